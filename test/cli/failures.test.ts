// Every failure: one line of error and one of advice for people, one document for programs, and its own exit status.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failureOf, failureText, styleFor } from '../../src/cli/output.ts'
import { HayaiError } from '../../src/index.ts'
import { emptyFolder, hayai } from './terminal.ts'

let folder: Awaited<ReturnType<typeof emptyFolder>>
beforeAll(async () => void (folder = await emptyFolder()))
afterAll(() => folder.remove())

const WRONG: readonly (readonly [args: readonly string[], exit: number, code: string, command: string, says: string])[] = [
  [['snapsho'], 2, 'USAGE', 'snapsho', 'Did you mean `hayai snapshot`?'],
  [['ls'], 2, 'USAGE', 'ls', 'Did you mean `hayai list`?'],
  [['mydb'], 2, 'USAGE', 'mydb', 'hayai --help'],
  [['--foo', 'list'], 2, 'USAGE', 'list', 'no option --foo'],
  [['snapshot'], 2, 'USAGE', 'snapshot', 'needs a NAME'],
  [['snapshot', 'mydb', 'extra'], 2, 'USAGE', 'snapshot', '"extra" is one argument too many'],
  [['snapshot', 'list', 'extra'], 2, 'USAGE', 'snapshot list', '"extra" is one argument too many'],
  [['snapshot', 'mydb', '--fromat', 'sql'], 2, 'USAGE', 'snapshot', 'Did you mean --format?'],
  [['snapshot', 'mydb', '-c', '--compression', 'none'], 2, 'USAGE', 'snapshot', 'contradict'],
  [['snapshot', 'mydb', '-o', ''], 2, 'USAGE', 'snapshot', '-o needs a value'],
  [['list', '--format', 'yaml'], 2, 'USAGE', 'list', 'table, json, names'],
  [['init'], 2, 'USAGE', 'init', 'needs a name'],
  [['init', '-n', 'x'], 2, 'USAGE', 'init', 'needs an engine'],
  [['restore'], 2, 'USAGE', 'restore', 'which snapshot'],
  [['restore', '--latest'], 2, 'USAGE', 'restore', 'the name of a database'],
  [['logs', 'mydb', '-n', 'many'], 2, 'USAGE', 'logs', 'whole number'],
  [['completion', 'tcsh'], 2, 'USAGE', 'completion', 'bash, zsh, fish'],
  [['help', 'snapshot', 'lst'], 2, 'USAGE', 'help', 'Did you mean `hayai snapshot list`?'],
  [['help', 'undo', 'more'], 2, 'USAGE', 'help', 'no subcommands'],
  [['list'], 3, 'NOT_FOUND', 'list', 'no Hayai project'],
  [['undo', '--all', '--force'], 2, 'USAGE', 'undo', '--force is for the tables or keys of one database'],
  [['undo'], 3, 'NOT_FOUND', 'undo', 'no Hayai project'],
  [['validate', '--config', './nowhere'], 3, 'NOT_FOUND', 'validate', 'nowhere'],
]

describe.each(WRONG)('hayai %j', (args, exit, code, command, says) => {
  it('speaks to people', async () => {
    const { status, stdout, stderr } = await hayai(args, { cwd: folder.path })
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^error: .+\n(hint: .+\n)?$/)
    expect(stderr).toContain(says)
    expect(status).toBe(exit)
  })

  it('speaks to programs', async () => {
    const { status, stdout, stderr } = await hayai(['--json', ...args], { cwd: folder.path })
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, command, error: { code } })
    expect(status).toBe(exit)
  })
})

it('JSON may be asked for in front of the command or behind it, but not behind --', async () => {
  expect(JSON.parse((await hayai(['nonsense', '--json'])).stdout)).toMatchObject({ ok: false })
  expect((await hayai(['connect', '--', '--json'], { cwd: folder.path })).stdout).toBe('')
})

it('logs --follow and --json do not go together', async () => {
  expect(await hayai(['logs', 'mydb', '-f', '--json'], { cwd: folder.path })).toMatchObject({ status: 2 })
})

describe('what is no HayaiError', () => {
  const style = styleFor(process.stderr)
  const bug = new TypeError('x is not a function')

  it('is a bug, and is called one', () => {
    expect(failureOf(bug)).toMatchObject({ code: 'UNEXPECTED', message: 'this is a bug in Hayai: x is not a function' })
    expect(failureOf('thrown text')).toMatchObject({ code: 'UNEXPECTED', message: 'this is a bug in Hayai: thrown text' })
  })

  it('shows its stack when that is asked for, and only then', () => {
    const before = process.env['HAYAI_DEBUG']
    try {
      delete process.env['HAYAI_DEBUG']
      expect(failureText(failureOf(bug), bug, style)).not.toContain('failures.test.ts')
      process.env['HAYAI_DEBUG'] = '1'
      expect(failureText(failureOf(bug), bug, style)).toContain('failures.test.ts')
      const known = new HayaiError('CONFLICT', 'taken')
      expect(failureText(failureOf(known), known, style)).not.toContain('failures.test.ts')
    } finally {
      if (before === undefined) delete process.env['HAYAI_DEBUG']
      else process.env['HAYAI_DEBUG'] = before
    }
  })
})
