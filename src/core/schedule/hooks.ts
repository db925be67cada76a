// The commands of a plan: `before` decides whether it runs at all, `after` and `on_failure` come when all else is done. They get facts in
// the environment and never a secret; what they print stands in the record of the run and in Hayai's log.

import { appendFile, rename, stat } from 'node:fs/promises'
import { HayaiError } from '../../base/errors.ts'
import { exists, makeFolder } from '../../base/files.ts'
import { runShell, type ShellOutcome } from '../../base/shell.ts'
import type { Hooks, Plan } from '../../project/plans.ts'
import type { Context } from '../context.ts'
import type { HookRecord } from '../schedule-answers.ts'
import type { Watching } from '../watching.ts'

export type HookName = HookRecord['hook']

/** What is known when a hook runs; each becomes `HAYAI_<NAME>`. */
export type Facts = Readonly<Record<string, string>>

/** One after the other; the first that fails is the last that runs. Gives what became of each, and what the failure is. */
export async function runHooks(
  context: Context,
  plan: Plan,
  hook: HookName,
  facts: Facts,
  view: Watching,
): Promise<{ readonly ran: readonly HookRecord[]; readonly error: HayaiError | undefined }> {
  const ran: HookRecord[] = []
  for (const line of commandsOf(plan.hooks, hook)) {
    view.stage(`running the hook ${hook}`)
    const log = await openLog(context, plan, hook, line)
    const outcome = await runShell({
      line,
      cwd: context.root,
      env: environmentOf(context, plan, hook, facts),
      timeout: plan.hooks.timeout,
      signal: view.signal,
      onOutput: log.take,
    })
    await log.close(outcome)
    ran.push({ hook, command: line, exit: outcome.exit, how: outcome.how, output: outcome.output, seconds: outcome.seconds })
    if (outcome.how !== 'exited' || outcome.exit !== 0) return { ran, error: failure(hook, outcome) }
  }
  return { ran, error: undefined }
}

function commandsOf(hooks: Hooks, hook: HookName): readonly string[] {
  return hook === 'before' ? hooks.before : hook === 'after' ? hooks.after : hooks.onFailure
}

// A hook sees what the person's shell or the service gives it, as any command would, but for what opens an identity.
function environmentOf({ root }: Context, plan: Plan, hook: HookName, facts: Facts): Record<string, string> {
  const given = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined || name === 'HAYAI_PASSPHRASE' ? [] : [[name, value] as const],
  )
  const own = { PROJECT: root.split('/').at(-1) ?? '', ROOT: root, PLAN: plan.name, HOOK: hook, TAKE: plan.take, ...facts }
  return { ...Object.fromEntries(given), ...Object.fromEntries(Object.entries(own).map(([name, value]) => [`HAYAI_${name}`, value])) }
}

function failure(hook: HookName, { exit, how, output, seconds }: ShellOutcome): HayaiError {
  const words = output.split('\n').slice(-3).join('\n')
  const said = words === '' ? '' : `: ${words}`
  const what = `the hook \`${hook}\``
  if (how === 'interrupted') return new HayaiError('INTERRUPTED', `interrupted during ${what}`)
  const why = {
    timeout: `took longer than ${Math.round(seconds)} s and was ended`,
    lost: 'could not be started',
    killed: 'was ended by a signal',
    exited: `failed (exit ${exit})`,
  }[how]
  return new HayaiError('TOOL_FAILED', `${what} ${why}${said}`, {
    hint: 'What it printed is in .hayai/logs/hooks.log.',
    details: { hook, exit, output },
  })
}

/** Of one command, and of the log before it is put aside. */
const MOST = 1024 * 1024

/** Hayai's log of hooks: what each printed, up to a limit. */
async function openLog({ paths }: Context, { name }: Plan, hook: HookName, line: string) {
  const file = paths.hooksLog
  await makeFolder(paths.logs)
  if ((await exists(file)) && (await stat(file)).size > MOST) await rename(file, `${file}.1`)
  const pieces: Uint8Array[] = []
  let bytes = 0
  return {
    take(piece: Uint8Array): void {
      if (bytes < MOST) pieces.push(piece.subarray(0, MOST - bytes))
      bytes += piece.byteLength
    },
    async close({ exit, how }: ShellOutcome): Promise<void> {
      const head = `== ${new Date().toISOString()} ${name} ${hook}: ${line.replaceAll('\n', ' ')}\n`
      const cut = bytes > MOST ? `\n(${bytes - MOST} more bytes)` : ''
      const text = Buffer.concat([Buffer.from(head), ...pieces, Buffer.from(`${cut}\n== ${how}${exit === null ? '' : ` ${exit}`}\n`)])
      await appendFile(file, text, { mode: 0o600 })
    },
  }
}
