// Questions are asked at a terminal and nowhere else. `script` is the terminal.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openProject, type Project } from '../../src/index.ts'
import { emptyFolder, hayai, plainEnvironment, PROGRAM } from './terminal.ts'

let folder: Awaited<ReturnType<typeof emptyFolder>>
let project: Project

beforeEach(async () => {
  folder = await emptyFolder()
  project = await openProject({ cwd: folder.path, create: true })
  await project.init({ name: 'notes', engine: 'sqlite' })
})
afterEach(() => folder.remove())

interface Reply {
  /** What must have been shown before it is typed. */
  readonly after: string
  readonly type: string
}

async function atTerminal(args: string, replies: readonly Reply[]): Promise<{ readonly status: number | null; readonly shown: string }> {
  const command = `stty cols 100; exec ${process.execPath} ${PROGRAM} ${args}`
  const env = { ...plainEnvironment(), NO_COLOR: '1' }
  const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: folder.path, env, stdio: ['pipe', 'pipe', 'inherit'] })
  const left = [...replies]
  let shown = ''
  let seen = 0
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (text: string) => {
    shown += text
    const next = left[0]
    const at = next === undefined ? -1 : shown.indexOf(next.after, seen)
    if (next === undefined || at === -1) return
    seen = at + next.after.length
    left.shift()
    setTimeout(() => child.stdin.write(next.type), 50)
  })
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, shown })))
}

const names = async () => (await project.list()).map(({ name }) => name)

describe.skipIf(!existsSync('/usr/bin/script'))('at a terminal', () => {
  it('remove asks, and no means no', async () => {
    const { status, shown } = await atTerminal('remove notes', [{ after: 'Remove "notes"?', type: 'n' }])
    expect(status).toBe(130)
    expect(shown).toContain('nothing was changed')
    expect(await names()).toEqual(['notes'])
  })

  it('the value of a secret is asked for, and does not show', async () => {
    const declared = 'version: "1.0"\nglobal: {security: {enable_secrets: true, secrets_backend: env}}\n'
    await writeFile(join(folder.path, '.hayaidb'), declared)
    const { status, shown } = await atTerminal('secrets set db', [{ after: 'Value of db:', type: 'hush\r' }])
    expect(status).toBe(4) // such a backend cannot be written to
    expect(shown).toContain('HAYAI_SECRET_DB')
    expect(shown).not.toContain('hush')
  })

  it('remove asks, and Ctrl-C means no', async () => {
    const { status } = await atTerminal('remove notes', [{ after: 'Remove "notes"?', type: '\u0003' }])
    expect(status).toBe(130)
    expect(await names()).toEqual(['notes'])
  })

  it('remove asks, and yes means yes; undo asks too', async () => {
    const { status, shown } = await atTerminal('remove notes', [{ after: 'Remove "notes"?', type: 'y' }])
    expect(status).toBe(0)
    expect(shown).toContain('hayai undo notes')
    expect(await names()).toEqual([])
    expect(await atTerminal('undo', [{ after: 'Bring "notes" back', type: 'y' }])).toMatchObject({ status: 0 })
    expect(await names()).toEqual(['notes'])
  })

  it('-y, --dry-run and --json ask nothing', async () => {
    expect(await atTerminal('remove notes --dry-run', [])).toMatchObject({ status: 0 })
    expect(await names()).toEqual(['notes'])
    expect(await atTerminal('remove notes -y', [])).toMatchObject({ status: 0 })
    expect(await atTerminal('undo --json', [])).toMatchObject({ status: 0 })
    expect(await names()).toEqual(['notes'])
  })

  it('init asks for a name and an engine', async () => {
    const { status } = await atTerminal('init', [
      { after: 'be called?', type: 'shelf\r' },
      { after: 'Which kind', type: '\u001B[B\r' },
    ])
    expect(status).toBe(0)
    expect(await names()).toEqual(['notes', 'shelf'])
    expect(existsSync(join(folder.path, '.hayaidb'))).toBe(true)
  })

  it('restore offers the snapshots, shows which one it will be, and asks', async () => {
    await project.snapshot({ database: 'notes', comment: 'the good one' })
    const { status, shown } = await atTerminal('restore', [
      { after: 'the good one', type: '\r' },
      { after: 'Restore "notes" from', type: 'y' },
    ])
    expect(shown).toContain('restored notes')
    expect(status).toBe(0)
  })

  it('list is a table', async () => {
    expect((await atTerminal('list', [])).shown).toMatch(/NAME +ENGINE/)
  })
})

describe('without a terminal', () => {
  it('nothing is asked: what can be undone is done, and the way back is told', async () => {
    await project.snapshot({ database: 'notes' })
    const restored = await hayai(['restore', 'notes', '--latest'], { cwd: folder.path })
    expect(restored).toMatchObject({ status: 0, stderr: '' })
    expect(restored.stdout).toContain('take it back: hayai undo notes')
    const removed = await hayai(['remove', 'notes'], { cwd: folder.path })
    expect(removed).toMatchObject({ status: 0, stderr: '' })
    expect(removed.stdout).toContain('bring it back: hayai undo notes')
  })

  it('list is one name a line, an array or a document', async () => {
    const { path: cwd } = folder
    expect((await hayai(['list'], { cwd })).stdout).toBe('notes\n')
    expect(JSON.parse((await hayai(['list', '--format', 'json'], { cwd })).stdout)).toMatchObject([{ name: 'notes' }])
    expect(JSON.parse((await hayai(['list', '--json'], { cwd })).stdout)).toMatchObject({
      ok: true,
      command: 'list',
      data: [{ name: 'notes' }],
    })
  })
})
