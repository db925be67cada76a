// systemd: a timer and a service for each plan, among the units of the account.

import { readdir, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { findOnPath, output } from '../../base/exec.ts'
import { makeFolder, readIfThere, writeDurably } from '../../base/files.ts'
import { messageOf, systemCode } from '../../base/errors.ts'
import type { Caller, Job, Site, Told } from './callers.ts'

export const systemd: Caller = {
  name: 'systemd',
  async obstacle() {
    if ((await findOnPath('systemctl')) === undefined) return 'there is no systemd on this machine'
    try {
      await systemctl('show-environment')
      return undefined
    } catch (error) {
      return `this account has no systemd of its own running: ${messageOf(error)}`
    }
  },
  async current(site) {
    const told: Told[] = []
    for (const plan of await plansThere(site)) {
      const parts = await Promise.all([readIfThere(fileOf(site, plan, 'service')), readIfThere(fileOf(site, plan, 'timer'))])
      told.push({ plan, text: parts.join('\n') })
    }
    return told
  },
  wanted: (site, jobs) => jobs.map((job) => ({ plan: job.plan, text: `${serviceText(site, job)}\n${timerText(site, job)}` })),
  async tell(site, jobs) {
    const gone = (await plansThere(site)).filter((plan) => !jobs.some((job) => job.plan === plan))
    for (const plan of gone) {
      await systemctl('disable', '--now', `${unitOf(site, plan)}.timer`)
      for (const kind of ['timer', 'service'] as const) await rm(fileOf(site, plan, kind), { force: true })
    }
    await makeFolder(folder())
    for (const job of jobs) {
      await writeDurably(fileOf(site, job.plan, 'service'), serviceText(site, job), 0o644)
      await writeDurably(fileOf(site, job.plan, 'timer'), timerText(site, job), 0o644)
    }
    await systemctl('daemon-reload')
    for (const { plan } of jobs) {
      await systemctl('enable', `${unitOf(site, plan)}.timer`)
      await systemctl('restart', `${unitOf(site, plan)}.timer`)
    }
  },
}

/** How a program reaches the account's own systemd; a login has set these. */
function systemctl(...args: readonly string[]): Promise<string> {
  const { XDG_RUNTIME_DIR = `/run/user/${process.getuid?.() ?? 0}`, DBUS_SESSION_BUS_ADDRESS } = process.env
  const bus = DBUS_SESSION_BUS_ADDRESS === undefined ? {} : { DBUS_SESSION_BUS_ADDRESS }
  return output({ file: 'systemctl', args: ['--user', ...args], env: { XDG_RUNTIME_DIR, ...bus } })
}

function folder(): string {
  return join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'systemd', 'user')
}

function unitOf({ name, key }: Site, plan: string): string {
  return `hayai-${name}-${key}-${plan}`
}

function fileOf(site: Site, plan: string, kind: 'service' | 'timer'): string {
  return join(folder(), `${unitOf(site, plan)}.${kind}`)
}

async function plansThere(site: Site): Promise<readonly string[]> {
  const start = unitOf(site, '')
  const names = await readdir(folder()).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  })
  return names.flatMap((name) => (name.startsWith(start) && name.endsWith('.timer') ? [name.slice(start.length, -'.timer'.length)] : []))
}

export function serviceText({ root }: Site, { plan, schedule, command, path }: Job): string {
  return `# Made by \`hayai schedule install\`, which replaces it.
[Unit]
Description=Hayai: the plan "${plan}" of ${percent(root)}: ${percent(schedule)}

[Service]
Type=oneshot
WorkingDirectory=${percent(root)}
Environment=${quoted(`PATH=${path}`)}
ExecStart=${command.map((word) => quoted(word).replaceAll('$', '$$$$')).join(' ')}
`
}

export function timerText({ root }: Site, { plan, schedule, minutes }: Job): string {
  return `# Made by \`hayai schedule install\`, which replaces it. It asks whether the plan is due: ${schedule}
[Unit]
Description=Hayai: asks whether the plan "${plan}" of ${percent(root)} is due

[Timer]
OnCalendar=*:${minutes.length === 60 ? '*' : minutes.map((minute) => String(minute).padStart(2, '0')).join(',')}:00
AccuracySec=1s
Persistent=true

[Install]
WantedBy=timers.target
`
}

/** "%" begins what systemd fills in. */
function percent(text: string): string {
  return text.replaceAll('%', '%%')
}

function quoted(word: string): string {
  return `"${percent(word)
    .replaceAll('\\', '\\\\')
    .replaceAll('"', String.raw`\"`)}"`
}
