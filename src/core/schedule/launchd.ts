// launchd, on macOS: an agent for each plan.

import { readdir, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isCode, systemCode } from '../../base/errors.ts'
import { findOnPath, output } from '../../base/exec.ts'
import { makeFolder, readIfThere, writeDurably } from '../../base/files.ts'
import type { Caller, Job, Site, Told } from './callers.ts'

export const launchd: Caller = {
  name: 'launchd',
  async obstacle() {
    return process.platform === 'darwin' && (await findOnPath('launchctl')) !== undefined
      ? undefined
      : 'there is no launchd on this machine'
  },
  async current(site) {
    const told: Told[] = []
    for (const plan of await plansThere(site)) told.push({ plan, text: (await readIfThere(fileOf(site, plan))) ?? '' })
    return told
  },
  wanted: (site, jobs) => jobs.map((job) => ({ plan: job.plan, text: plistText(site, job) })),
  async tell(site, jobs) {
    const domain = `gui/${process.getuid?.() ?? 0}`
    const all = new Set([...(await plansThere(site)), ...jobs.map(({ plan }) => plan)])
    for (const plan of all) {
      // What is not loaded cannot be unloaded, and that is as it should be.
      await output({ file: 'launchctl', args: ['bootout', `${domain}/${labelOf(site, plan)}`] }).catch((error: unknown) => {
        if (!isCode(error, 'TOOL_FAILED')) throw error
      })
      const job = jobs.find((each) => each.plan === plan)
      if (job === undefined) {
        await rm(fileOf(site, plan), { force: true })
        continue
      }
      await makeFolder(folder())
      await writeDurably(fileOf(site, plan), plistText(site, job), 0o644)
      await output({ file: 'launchctl', args: ['bootstrap', domain, fileOf(site, plan)] })
    }
  },
}

function folder(): string {
  return join(homedir(), 'Library', 'LaunchAgents')
}

function labelOf({ key }: Site, plan: string): string {
  return `org.hayai.${key}.${plan}`
}

function fileOf(site: Site, plan: string): string {
  return join(folder(), `${labelOf(site, plan)}.plist`)
}

async function plansThere(site: Site): Promise<readonly string[]> {
  const start = labelOf(site, '')
  const names = await readdir(folder()).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  })
  return names.flatMap((name) => (name.startsWith(start) && name.endsWith('.plist') ? [name.slice(start.length, -'.plist'.length)] : []))
}

/** It asks once when the account logs in, too. */
export function plistText(site: Site, { plan, minutes, command, path }: Job): string {
  const times = minutes.length === 60 ? ['<dict/>'] : minutes.map((minute) => `<dict><key>Minute</key><integer>${minute}</integer></dict>`)
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>${escaped(labelOf(site, plan))}</string>
  <key>ProgramArguments</key><array>${command.map((word) => `<string>${escaped(word)}</string>`).join('')}</array>
  <key>WorkingDirectory</key><string>${escaped(site.root)}</string>
  <key>EnvironmentVariables</key><dict><key>PATH</key><string>${escaped(path)}</string></dict>
  <key>StartCalendarInterval</key><array>${times.join('')}</array>
  <key>RunAtLoad</key><true/>
  <key>StandardOutPath</key><string>${escaped(site.log)}</string>
  <key>StandardErrorPath</key><string>${escaped(site.log)}</string>
</dict>
</plist>
`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
