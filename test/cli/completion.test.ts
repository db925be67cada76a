// Completion as the shells themselves do it: bash always, zsh and fish where they are installed.

import { execFileSync } from 'node:child_process'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SHELLS } from '../../src/cli/shells.ts'
import { openProject } from '../../src/index.ts'
import { emptyFolder, hayai, PROGRAM, plainEnvironment, run } from './terminal.ts'

let folder: Awaited<ReturnType<typeof emptyFolder>>
let env: Record<string, string>
let snapshotFile: string
let snapshotId: string

beforeAll(async () => {
  folder = await emptyFolder()
  const project = await openProject({ cwd: folder.path, create: true })
  for (const name of ['shop', 'shelf', 'notes']) await project.init({ name, engine: 'sqlite' })
  const { snapshot } = await project.snapshot({ database: 'notes' })
  if (snapshot === null) throw new Error('no snapshot was taken')
  snapshotFile = snapshot.path.slice(snapshot.path.lastIndexOf('/') + 1)
  snapshotId = snapshot.id
  await mkdir(join(folder.path, 'bin'))
  await writeFile(join(folder.path, 'bin/hayai'), `#!/bin/sh\nexec ${process.execPath} ${PROGRAM} "$@"\n`)
  await chmod(join(folder.path, 'bin/hayai'), 0o755)
  env = { PATH: `${join(folder.path, 'bin')}:${plainEnvironment()['PATH'] ?? ''}` }
})
afterAll(() => folder.remove())

/** The words that are proposed. */
async function proposals(...words: string[]): Promise<readonly string[]> {
  const { status, stdout, stderr } = await hayai(['__complete', ...words], { cwd: folder.path })
  expect(status).toBe(0)
  expect(stderr).toBe('')
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0] ?? '']))
}

describe('what is proposed', () => {
  it.each([
    [['sn'], ['snapshot']],
    [['schedule', 'in'], ['install']],
    [['schedule', 'install', '--with', 'c'], ['cron']],
    [['st'], ['start', 'stop']],
    [
      ['start', 'sh'],
      ['shop', 'shelf'],
    ],
    [['start', 'shop', 'sh'], ['shelf']],
    [['connect', 'shop', 's'], []],
    [['snapshot', 'v'], ['verify']],
    [['snapshot', 'n'], ['notes']],
    [
      ['snapshot', 'notes', '--comp'],
      ['--compress', '--compression'],
    ],
    [['snapshot', 'notes', '--compress', '--comp'], ['--compression']],
    [['snapshot', 'notes', '--compression', 'z'], ['zstd']],
    [['snapshot', 'notes', '--compression=z'], ['--compression=zstd']],
    [['snapshot', '--compression', 'gzip', 'no'], ['notes']],
    [['snapshot', 'notes', '-o', ''], [':folders']],
    [['snapshot', 'notes', '--comment', ''], []],
    [
      ['list', '--format', ''],
      ['table', 'json', 'names'],
    ],
    [['list', '--format=j'], ['--format=json']],
    [
      ['snapshot', 'notes', '--format', ''],
      ['db', 'sql', 'tar'],
    ],
    [['snapshot', 'notes', '--format=s'], ['--format=sql']],
    [['snapshot', '--format', 'r'], ['rdb']],
    [['init', '-e', 's'], ['sqlite']],
    [['init', '--file', ''], [':files']],
    [['restore', '--to', 'n'], ['notes']],
    [['completion', 'f'], ['fish']],
    [
      ['help', 'snapshot', ''],
      ['list', 'show', 'verify', 'rename', 'pin', 'unpin', 'tag', 'delete', 'undelete', 'prune', 'export', 'import'],
    ],
    [
      ['snapshot', 'un'],
      ['unpin', 'undelete'],
    ],
    [['prune', '--week'], ['--weekly']],
    [
      ['prune', 'sh'],
      ['shop', 'shelf'],
    ],
    [['snapshot', 'export', 'x', ''], [':files']],
    [['--v'], ['--version']],
    [['nonsense', ''], []],
    [
      ['start', '--', 'sh'],
      ['shop', 'shelf'],
    ],
  ])('%j: %j', async (words, expected) => expect(await proposals(...words)).toEqual(expected))

  it('for a snapshot its file name, and its id once it is begun', async () => {
    expect(await proposals('restore', 'notes-')).toEqual([snapshotFile, ':files'])
    expect(await proposals('restore', 'notes@')).toEqual(['notes@latest', ':files'])
    expect(await proposals('diff', 'notes@')).toEqual(['notes@latest', ':files'])
    expect(await proposals('restore', 'shop@')).toEqual([':files'])
    expect(await proposals('restore', snapshotId.slice(0, 3))).toContain(snapshotId.slice(0, 8))
    expect(await proposals('snapshot', 'verify', snapshotId.slice(0, 12))).toContain(snapshotId.slice(0, 12))
    expect(await proposals('snapshot', 'show', 'notes-')).toEqual([snapshotFile, ':files'])
    expect(await proposals('restore', '')).not.toContain(snapshotId.slice(0, 8))
  })

  it('is nothing, without an error, where there is no project', async () => {
    const outside = await emptyFolder()
    try {
      expect(await hayai(['__complete', 'start', ''], { cwd: outside.path })).toMatchObject({ status: 0, stdout: '', stderr: '' })
      expect(await hayai(['__complete', 'restore', ''], { cwd: outside.path })).toMatchObject({ status: 0, stdout: ':files\n', stderr: '' })
    } finally {
      await outside.remove()
    }
  })
})

describe('bash', () => {
  async function reply(...words: string[]): Promise<readonly string[]> {
    const line = [
      'source <(hayai completion bash)',
      'COMP_WORDS=(hayai "$@"); COMP_CWORD=$#',
      '_hayai',
      '(( ${#COMPREPLY[@]} )) && printf "%s\\n" "${COMPREPLY[@]}"; exit 0',
    ].join('\n')
    const { status, stdout, stderr } = await run('bash', ['--norc', '-c', line, 'bash', ...words], { cwd: folder.path, env })
    expect(stderr).toBe('')
    expect(status).toBe(0)
    return stdout.split('\n').filter((word) => word !== '')
  }

  it('completes commands, names, flags and values', async () => {
    expect(await reply('snap')).toEqual(['snapshot'])
    expect(await reply('start', 'sh')).toEqual(['shop', 'shelf'])
    expect(await reply('snapshot', 'notes', '--comm')).toEqual(['--comment'])
    expect(await reply('start', 'nothing')).toEqual([])
    expect(await reply('')).toContain('list')
  })

  it('completes behind "=", where bash breaks words', async () => {
    expect(await reply('list', '--format', '=', 'js')).toEqual(['json'])
    expect(await reply('list', '--format', '=')).toEqual(['table', 'json', 'names'])
    expect(await reply('restore', 'notes', '@', 'la')).toEqual(['latest'])
    expect(await reply('restore', 'notes@la')).toEqual(['notes@latest'])
  })

  it('completes paths', async () => {
    expect(await reply('snapshot', 'notes', '-o', 'sna')).toEqual(['snapshots'])
    expect(await reply('snapshot', 'notes', '--output', '=', 'sna')).toEqual(['snapshots'])
    expect(await reply('restore', 'snapshots/notes-')).toContain(`snapshots/${snapshotFile}`)
  })

  it('is told of it by `complete`', async () => {
    const { stdout } = await run('bash', ['--norc', '-c', 'source <(hayai completion bash); complete -p hayai'], { env })
    expect(stdout).toBe('complete -F _hayai hayai\n')
  })
})

describe.skipIf(!installed('fish'))('fish', () => {
  const complete = async (line: string) =>
    (
      await run('fish', ['--no-config', '-c', `hayai completion fish | source; complete -C ${JSON.stringify(line)}`], {
        cwd: folder.path,
        env,
      })
    ).stdout

  it('completes commands, names, flags, values and paths', async () => {
    expect(await complete('hayai snap')).toMatch(/^snapshot\tTake a snapshot/)
    expect(await complete('hayai start sh')).toMatch(/^shelf\tsqlite, file\nshop\tsqlite, file\n$/)
    expect(await complete('hayai snapshot notes --comm')).toMatch(/^--comment\t/)
    expect(await complete('hayai list --format=js')).toBe('--format=json\n')
    expect(await complete('hayai restore snapshots/notes-')).toContain(`snapshots/${snapshotFile}`)
    expect(await complete('hayai snapshot notes -o sna')).toContain('snapshots/')
    expect(await complete('hayai snapshot notes --output=sna')).toContain('--output=snapshots/')
  })
})

describe.skipIf(!installed('zsh'))('zsh', () => {
  // A zsh in a pseudo-terminal of another zsh: the only way to press Tab. The key tells what the line became.
  const complete = async (line: string) => {
    const settings = [
      'autoload -U compinit; compinit -u -D',
      'source <(hayai completion zsh)',
      'tell() { zle complete-word; print -r -- "<$BUFFER>" }; zle -N tell',
      "bindkey '^I' tell; echo rea''dy",
    ].join('; ')
    const script = `
      zmodload zsh/zpty
      zpty inner zsh -f -i
      zpty -w inner ${quoted(settings)}
      zpty -r inner output '*ready*'
      zpty -w -n inner ${quoted(line)}$'\\t'
      zpty -r inner output '*<hayai*>*'
      print -r -- "$output"
      zpty -d inner
    `
    const { stdout } = await run('zsh', ['-f', '-c', script], { cwd: folder.path, env })
    return /<(hayai[^>]*)>/.exec(stdout)?.[1]?.trimEnd()
  }
  const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`

  it('can be read', () => {
    execFileSync('zsh', ['-n', '-c', SHELLS['zsh'] ?? ''])
  })

  it('completes commands, names and values', async () => {
    expect(await complete('hayai snap')).toBe('hayai snapshot')
    expect(await complete('hayai connect not')).toBe('hayai connect notes')
    expect(await complete('hayai list --format=js')).toBe('hayai list --format=json')
    expect(await complete('hayai snapshot notes -o sna')).toBe('hayai snapshot notes -o snapshots/')
    expect(await complete('hayai snapshot notes --output=sna')).toBe('hayai snapshot notes --output=snapshots/')
    expect(await complete('hayai nonsense x')).toBe('hayai nonsense x')
  })
})

function installed(name: string): boolean {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
