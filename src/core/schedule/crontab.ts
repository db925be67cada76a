// cron: a block of lines for each project in the crontab of whoever asks. All other lines stay as they are, byte for byte.

import { homedir } from 'node:os'
import { join } from 'node:path'
import { once, text } from '../../base/bytes.ts'
import { HayaiError, isCode, messageOf } from '../../base/errors.ts'
import { findOnPath, output, run } from '../../base/exec.ts'
import { withLock } from '../../base/locks.ts'
import type { Caller, Job, Site, Told } from './callers.ts'

export const cron: Caller = {
  name: 'cron',
  async obstacle() {
    if ((await findOnPath('crontab')) === undefined) return 'there is no program `crontab` (apt-get install cron)'
    try {
      await read()
      return undefined
    } catch (error) {
      if (!isCode(error, 'TOOL_FAILED')) throw error
      return messageOf(error) // an account that may not have one
    }
  },
  current: async (site) => toldIn(await read(), site),
  wanted: (site, jobs) => jobs.map((job) => ({ plan: job.plan, text: lineOf(site, job) })),
  tell: (site, jobs) =>
    withLock(lockFile(), { purpose: 'changing the crontab' }, async () => {
      const before = await read()
      const after = withBlock(before, site, jobs)
      if (after === before) return
      await output({ file: 'crontab', args: ['-'] }, once(after))
      if ((await read()) === after) return
      throw new HayaiError('TOOL_FAILED', 'the crontab is not what was written into it', { hint: 'Look at it: crontab -l' })
    }),
}

/** One for all projects of this account: there is only one crontab. */
function lockFile(): string {
  return join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'hayai', 'crontab.lock')
}

async function read(): Promise<string> {
  try {
    return await text(run({ file: 'crontab', args: ['-l'] })) // not a byte of it is trimmed: it is written back
  } catch (error) {
    if (isCode(error, 'TOOL_FAILED') && error instanceof HayaiError && /no crontab for/i.test(error.message)) return ''
    throw error
  }
}

function beginOf({ key, root }: Site): string {
  return `# BEGIN hayai ${key}: ${root} (made by \`hayai schedule install\`; what stands between BEGIN and END is replaced)`
}

function endOf({ key }: Site): string {
  return `# END hayai ${key}`
}

/** The crontab with the block of this project and no other change; without jobs there is no block. */
export function withBlock(crontab: string, site: Site, jobs: readonly Job[]): string {
  const { before, after } = around(crontab, site)
  const block = jobs.flatMap((job) => [`# ${job.plan}: ${job.schedule}`, lineOf(site, job)])
  if (block.length === 0) return before + after
  const open = before === '' || before.endsWith('\n') ? before : `${before}\n`
  return `${open}${[beginOf(site), ...block, endOf(site)].join('\n')}\n${after}`
}

/** What stands before the project's block and behind it; all of it before, where there is none. */
function around(crontab: string, site: Site): { readonly before: string; readonly block: string; readonly after: string } {
  const lines = crontab.split(/(?<=\n)/)
  const first = lines.findIndex((line) => line.startsWith(`# BEGIN hayai ${site.key}:`))
  if (first === -1) return { before: crontab, block: '', after: '' }
  const last = lines.findIndex((line, at) => at > first && line.trimEnd() === endOf(site))
  if (last === -1) {
    throw new HayaiError(
      'CONFLICT',
      `the crontab has the line "${lines[first]?.trim()}" and not the one that belongs to it, "${endOf(site)}"`,
      {
        hint: 'Put it right with `crontab -e`: delete what belongs to this project.',
      },
    )
  }
  return { before: lines.slice(0, first).join(''), block: lines.slice(first, last + 1).join(''), after: lines.slice(last + 1).join('') }
}

function toldIn(crontab: string, site: Site): readonly Told[] {
  return around(crontab, site)
    .block.split('\n')
    .flatMap((line) => {
      const plan = / schedule run '([a-z0-9_-]+)' --due /.exec(line)?.[1]
      return plan === undefined || line.startsWith('#') ? [] : [{ plan, text: line }]
    })
}

/** cron takes "%" for the end of a line, whatever quotes are around it. */
function lineOf({ root, log }: Site, { minutes, command, path }: Job): string {
  const when = `${minutes.length === 60 ? '*' : minutes.join(',')} * * * *`
  const [program = '', script = '', ...rest] = command
  const words = [program, script].map(quoted).join(' ')
  const [verb, run, plan = '', ...flags] = rest
  const what = `cd ${quoted(root)} && PATH=${quoted(path)} ${words} ${verb} ${run} ${quoted(plan)} ${flags.join(' ')} >>${quoted(log)} 2>&1`
  return `${when} ${what.replaceAll('%', String.raw`\%`)}`
}

function quoted(word: string): string {
  if (word.includes('\n'))
    throw new HayaiError('USAGE', `${JSON.stringify(word)} cannot stand in a crontab`, { hint: 'Use `hayai daemon`.' })
  return `'${word.replaceAll("'", String.raw`'\''`)}'`
}
