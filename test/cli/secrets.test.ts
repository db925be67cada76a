// hayai secrets, typed: a value comes from standard input or a question that does not show it, and is never an argument.

import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { emptyFolder, hayai, plainEnvironment, PROGRAM } from './terminal.ts'

const VALUE = 'hush-4mQz-hush with spaces  '

let folder: Awaited<ReturnType<typeof emptyFolder>>
let env: Readonly<Record<string, string>>
beforeEach(async () => {
  folder = await emptyFolder()
  env = { XDG_CONFIG_HOME: join(folder.path, '.config') }
  await writeFile(
    join(folder.path, '.hayaidb'),
    'version: "1.0"\nglobal:\n  security:\n    enable_secrets: true\n    secrets_backend: file\n',
  )
  expect((await hayai(['keys', 'create', '--passphrase'], { cwd: folder.path, env: { ...env, HAYAI_PASSPHRASE: 'x' } })).status).toBe(0)
  env = { ...env, HAYAI_PASSPHRASE: 'x' }
})
afterEach(() => folder.remove())

const type = (...args: readonly string[]) => hayai(['secrets', ...args], { cwd: folder.path, env })

async function piped(input: string, ...args: readonly string[]): Promise<{ readonly status: number | null; readonly said: string }> {
  const child = spawn(process.execPath, [PROGRAM, 'secrets', ...args], { cwd: folder.path, env: { ...plainEnvironment(), ...env } })
  const ended = new Promise<number | null>((done) => child.once('close', done))
  child.stdin.end(input)
  const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { status: await ended, said: out + errors }
}

describe('secrets', () => {
  it('set reads standard input, list shows names, remove removes; none shows the value', async () => {
    const dry = await piped(VALUE, 'set', 'db', '--dry-run')
    expect(dry).toMatchObject({ status: 0, said: expect.stringContaining('would keep db in secrets.age') as unknown })
    const set = await piped(`${VALUE}\n`, 'set', 'db')
    expect(set).toMatchObject({ status: 0, said: expect.stringContaining('secret:db') as unknown })
    const again = await piped(VALUE, 'set', 'db', '--json')
    expect(JSON.parse(again.said)).toMatchObject({ ok: true, data: { name: 'db', backend: 'file', replaced: true } })
    const list = await type('list', '--json')
    expect(JSON.parse(list.stdout)).toMatchObject({ data: { names: ['db'] } })
    const removed = await type('remove', 'db')
    expect(removed.status).toBe(0)
    expect((await type('remove', 'db')).status).toBe(3)
    for (const said of [dry.said, set.said, again.said, list.stdout, removed.stdout]) expect(said).not.toContain('hush')
  })

  it('a value is no argument, a name is a name, and nothing is no value', async () => {
    expect((await type('set', 'db', VALUE)).status).toBe(2)
    expect((await piped(VALUE, 'set', '../db')).status).toBe(2)
    expect(await piped('\n', 'set', 'db')).toMatchObject({ status: 2, said: expect.stringContaining('cannot be empty') as unknown })
  })
})
