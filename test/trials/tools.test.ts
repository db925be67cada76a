// A dump program that misbehaves: it floods stderr, fails after half of its output, claims success without its end, or hangs.

import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HayaiError } from '../../src/index.ts'
import { pg, pgBin, postgresql } from './cast.ts'
import { serversBelow, stage, type Stage } from './stage.ts'

describe.each([
  ['pg_dump', 'sql'],
  ['pg_basebackup', 'tar'],
] as const)('%s', (tool, format) => {
  if (postgresql.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${postgresql.missing}`, () => {})

  let scene: Stage
  let before = ''
  const path = process.env['PATH']
  beforeAll(async () => {
    scene = await stage()
    const bin = join(scene.root, 'bin')
    await mkdir(bin)
    await chmod(scene.root, 0o755) // the server's account must reach the programs
    for (const program of await readdir(pgBin() ?? '')) if (program !== tool) await symlink(pg(program), join(bin, program))
    process.env['PATH'] = `${bin}:${path ?? ''}`
    await scene.project.init({ name: 'shop', engine: 'postgresql' })
    await scene.project.start(['shop'])
    await postgresql.fill(scene.project, 'shop')
    before = await postgresql.dump(scene.project, 'shop')
  })
  afterAll(async () => {
    process.env['PATH'] = path
    await scene.close()
  })

  async function misbehaving(script: string): Promise<void> {
    const file = join(scene.root, 'bin', tool)
    await writeFile(file, `#!/bin/sh\ncase "$1" in --version) echo "${tool} (PostgreSQL) 99.1"; exit 0;; esac\n${script}\n`)
    await chmod(file, 0o755)
  }

  async function refused(): Promise<HayaiError> {
    const error: unknown = await scene.project.snapshot({ database: 'shop', format }).then(
      () => new Error('it was taken for good'),
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(HayaiError)
    expect(await scene.project.snapshots()).toEqual([])
    expect((await readdir(join(scene.root, 'snapshots')).catch(() => [])).filter((name) => !name.startsWith('.'))).toEqual([])
    return error as HayaiError
  }

  it('that floods stderr with 400 KB and exits 1 is told by its last words', async () => {
    await misbehaving(
      `i=0; while [ $i -lt 8000 ]; do echo "${tool}: warning: number $i ..............................." >&2; i=$((i+1)); done; exit 1`,
    )
    expect(await refused()).toMatchObject({ code: 'TOOL_FAILED', message: expect.stringContaining('number 7999') as string })
  })

  it('that floods stderr with 400 KB and succeeds is not held up by it', async () => {
    await misbehaving(
      `i=0; while [ $i -lt 8000 ]; do echo "${tool}: warning: number $i ..............................." >&2; i=$((i+1)); done; exec ${pg(tool)} "$@"`,
    )
    const { snapshot } = await scene.project.snapshot({ database: 'shop', format, output: join(scene.root, 'good') })
    expect(snapshot?.bytes).toBeGreaterThan(10_000)
  })

  it('that exits 1 after half of its output leaves nothing', async () => {
    await misbehaving(`${pg(tool)} "$@" | head -c 100000; echo "server closed the connection unexpectedly" >&2; exit 1`)
    expect(await refused()).toMatchObject({ code: 'TOOL_FAILED', message: expect.stringContaining('closed the connection') as string })
  })

  it('that exits 0 after half of its output is not believed', async () => {
    await misbehaving(`${pg(tool)} "$@" | head -c 100000; exit 0`)
    expect(['TOOL_FAILED', 'CORRUPT']).toContain((await refused()).code)
  })

  it('that is killed leaves nothing', async () => {
    await misbehaving(`${pg(tool)} "$@" | head -c 100000; kill -9 $$`)
    expect(await refused()).toMatchObject({ code: 'TOOL_FAILED', message: expect.stringContaining('SIGKILL') as string })
  })

  it('that hangs is ended when the limit of silence is over, and by whoever interrupts', async () => {
    await misbehaving(`echo hello; sleep 1000`)
    process.env['HAYAI_STALL_SECONDS'] = '1'
    try {
      expect(await refused()).toMatchObject({ code: 'TOOL_FAILED', message: expect.stringContaining('1 second') as string })
    } finally {
      delete process.env['HAYAI_STALL_SECONDS']
    }
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 500)
    await expect(scene.project.snapshot({ database: 'shop', format }, { signal: abort.signal })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    })
    expect(await scene.project.snapshots()).toEqual([])
  })

  it('after all of this the database is as it was, and one server runs', async () => {
    await misbehaving(`exec ${pg(tool)} "$@"`)
    expect(await postgresql.dump(scene.project, 'shop')).toBe(before)
    await scene.project.snapshot({ database: 'shop', format })
    expect(await scene.project.snapshots()).toHaveLength(1)
    expect(await serversBelow(scene.root)).toHaveLength(1)
  })
})
