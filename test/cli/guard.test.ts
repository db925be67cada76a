// hayai guard at the command line: the command has the terminal, its arguments and its exit status are its own, signals reach it.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openProject, type Project } from '../../src/index.ts'
import { emptyFolder, hayai, plainEnvironment, PROGRAM } from './terminal.ts'

let folder: Awaited<ReturnType<typeof emptyFolder>>
let project: Project
const node = process.execPath

beforeEach(async () => {
  folder = await emptyFolder()
  project = await openProject({ cwd: folder.path, create: true })
  await project.init({ name: 'notes', engine: 'sqlite', file: join(folder.path, 'notes.db') })
})
afterEach(() => folder.remove())

const guard = (...args: string[]) => hayai(['guard', ...args], { cwd: folder.path })
const MAKE = `new (require('node:sqlite').DatabaseSync)('notes.db').exec('CREATE TABLE made (a)')`

describe('hayai guard', () => {
  it('hands arguments over as they are, leaves standard output to the command, and exits as it does', async () => {
    const args = ['--json', '-y', '', 'a b', '--', "it's", '--help']
    const { status, stdout, stderr } = await guard(
      'notes',
      '--',
      node,
      '-e',
      'console.log(JSON.stringify(process.argv.slice(1)))',
      '--',
      ...args,
    )
    expect(JSON.parse(stdout)).toEqual(args)
    expect(status).toBe(0)
    expect(stderr).toMatch(/snapshot of notes: .*; back to it: hayai restore [0-9a-f]{8} --to notes/)
    expect(stderr).toContain('No difference')
    const failed = await guard('--', node, '-e', `${MAKE}; process.exit(42)`)
    expect(failed).toMatchObject({ status: 42, stdout: '' })
    expect(failed.stderr).toContain('+ table made  0 rows')
    expect(failed.stderr).toContain('the command failed (exit 42)')
  })

  it('answers with one document, and tells a failed command from a failure of its own', async () => {
    const { status, stdout, stderr } = await guard(
      '--json',
      '--undo-on-failure',
      '--',
      node,
      '-e',
      `console.log('said'); ${MAKE}; process.exit(5)`,
    )
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      command: 'guard',
      data: { status: 5, undone: true, databases: [{ diff: { tables: [{ name: 'made', how: 'added' }] }, undo: 'hayai undo notes' }] },
    })
    expect(status).toBe(5)
    expect(stderr).toContain('said')
    const unknown = await guard('nothing', '--json', '--', node, '-e', MAKE)
    expect(JSON.parse(unknown.stdout)).toMatchObject({ ok: false, error: { code: 'NOT_FOUND' } })
    expect(unknown.status).toBe(3)
  })

  it('needs a command, and one that there is: else nothing is begun', async () => {
    expect(await guard('notes')).toMatchObject({ status: 2 })
    expect(await guard('notes', '--')).toMatchObject({ status: 2 })
    expect(await guard('notes', '--', 'no-such-program')).toMatchObject({ status: 6 })
    expect(await project.snapshots()).toEqual([])
  })

  it('of a command that a signal ended exits as a shell would', async () => {
    expect(await guard('--', 'sh', '-c', 'kill -KILL $$')).toMatchObject({ status: 137 })
  })

  it.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('passes %s on, waits, takes nothing back, and tells how to go back', async (signal, status) => {
    const script = `${MAKE}; process.on('${signal}', () => { console.log('heard'); setTimeout(() => process.exit(1), 200) }); console.log('ready'); setInterval(() => {}, 1000)`
    const outcome = await signalled(signal, script)
    expect(outcome).toMatchObject({ status, stdout: 'ready\nheard\n' })
    expect(outcome.stderr).toMatch(/hint: The snapshots stay: hayai restore [0-9a-f]{8} --to notes/)
    expect(await project.snapshots()).toHaveLength(1)
  })

  it('leaves SIGINT to the command, and goes on', async () => {
    const script = `process.on('SIGINT', () => { console.log('heard'); process.exit(7) }); console.log('ready'); setInterval(() => {}, 1000)`
    const outcome = await signalled('SIGINT', script)
    expect(outcome).toMatchObject({ status: 7, stdout: 'ready\nheard\n' })
    expect(outcome.stderr).toContain('the command failed (exit 7)')
  })
})

/** Sends the signal to Hayai alone, once the command is there. */
async function signalled(signal: NodeJS.Signals, script: string) {
  const args = [PROGRAM, 'guard', '--undo-on-failure', 'notes', '--', node, '-e', script]
  const child = spawn(node, args, { cwd: folder.path, env: plainEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (stdout === '') child.kill(signal)
    stdout += text
  })
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { status, stdout, stderr }
}

describe.skipIf(!existsSync('/usr/bin/script'))('hayai guard at a terminal', () => {
  it.each([
    ['y', 'as before the command', []],
    ['n', 'back to before: hayai restore', ['made']],
  ])('asks whether to undo when the command fails: %s', async (key, said, tables) => {
    const line = `stty cols 200; exec ${node} ${PROGRAM} guard -- ${node} -e "${MAKE}; process.exit(process.stdin.isTTY ? 4 : 1)"`
    const env = { ...plainEnvironment(), NO_COLOR: '1' }
    const child = spawn('script', ['-qec', line, '/dev/null'], { cwd: folder.path, env, stdio: ['pipe', 'pipe', 'inherit'] })
    let shown = ''
    let typed = false
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text
      if (typed || !shown.includes('would take that back')) return
      typed = true
      setTimeout(() => child.stdin.write(key), 50)
    })
    const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
    expect(shown).toContain('+ table made')
    expect(shown).toContain(said)
    expect(status).toBe(4) // the terminal was in its hands
    const { DatabaseSync } = await import('node:sqlite')
    const db = new DatabaseSync(join(folder.path, 'notes.db'))
    expect(
      db
        .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`)
        .all()
        .map(({ name }) => name),
    ).toEqual(tables)
    db.close()
  })
})
