// A snapshot is restorable without Hayai: by the very lines that its manifest gives, with the stock tools.

import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { execFileSync } from 'node:child_process'
import { afterEach, describe, expect, it } from 'vitest'
import { cast, pgBin } from './cast.ts'
import { stage, type Stage } from './stage.ts'

let scene: Stage
afterEach(() => scene.close())

describe.each(cast)('$engine, by hand', (actor) => {
  if (actor.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${actor.missing}`, () => {})

  it.each(['none', 'gzip', 'zstd'])('from a snapshot compressed with %s', async (compression) => {
    scene = await stage()
    const { project } = scene
    for (const name of ['shop', 'bare']) await project.init({ name, engine: actor.engine })
    await project.start([])
    await actor.fill(project, 'shop')
    const before = await actor.dump(project, 'shop')
    const { snapshot } = await project.snapshot({ database: 'shop', compression })
    const { host, port, user, password, file } = await project.connect('bare')
    const lines = (snapshot?.manifest?.byHand ?? []).map((line) =>
      line
        .replaceAll('HOST', `${host} -p ${port}`)
        .replaceAll('USER', String(user))
        .replaceAll('DATABASE', 'byhand')
        .replaceAll('NEW.db', 'byhand.db'),
    )
    expect(lines.length).toBeGreaterThan(compression === 'none' ? 0 : 1)
    const folder = dirname(snapshot?.path ?? '')
    const env = { ...process.env, PATH: `${pgBin() ?? ''}:${process.env['PATH'] ?? ''}`, PGPASSWORD: password?.reveal() ?? '' }
    for (const line of lines) execFileSync('sh', ['-ec', line], { cwd: folder, env, stdio: 'pipe' })
    const restored =
      file === null
        ? execFileSync('pg_dump', ['-h', String(host), '-p', String(port), '-U', String(user), 'byhand'], {
            env,
            encoding: 'utf8',
            maxBuffer: 1 << 28,
          })
        : execFileSync('sqlite3', ['byhand.db', '.dump'], { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28 })
    expect(restored.replaceAll(/^\\(un)?restrict .*$/gm, '').trim()).toBe(before.trim())
    expect((await readFile(snapshot?.path ?? '')).length).toBe(snapshot?.bytes)
  })
})
