// The scripts that exchange the data in an adopted container's volume, ended at each rename there and back, and run again.

import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CLEAR, EXCHANGE, KEEP, LAY, LOOK, MEASURE, RETURN } from '../../src/runtimes/compose/switch-scripts.ts'

let root: string
let data: string
let kept: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hayai-scripts-'))
  data = join(root, 'data')
  kept = join(root, 'kept')
  for (const folder of ['data', 'kept', 'bin']) mkdirSync(join(root, folder))
})
afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

const OLD = { heart: 'old', both: 'old', 'only old': 'old', '.hidden': 'old', 'mine.conf': 'own' }
const NEW = { heart: 'new', both: 'new', 'only-new': 'new', 'mine.conf': 'of the twin' }
const AFTER = { heart: 'new', both: 'new', 'only-new': 'new', 'mine.conf': 'own' }

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
}

function read(folder: string): Record<string, string> {
  const names = readdirSync(folder).filter((name) => name !== '.hayai-switch')
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}

function words(script: string, args: readonly string[] = []): readonly string[] {
  return ['-c', script, 'sh', data, join(data, '.hayai-switch'), 'heart', '*', '*.conf', ...args]
}

function run(script: string, ...args: readonly string[]): string {
  return execFileSync('sh', words(script, args), { encoding: 'utf8' }).trim()
}

/** False when it came to its end before that rename. `after`: it is ended once the rename is made, else before. */
function killedAt(script: string, rename: number, after: boolean): boolean {
  const mv = join(root, 'bin', 'mv')
  const count = join(root, 'count')
  writeFileSync(count, '')
  const die = 'kill -9 $PPID; exit 1'
  writeFileSync(
    mv,
    `#!/bin/sh\nprintf x >>${count}\nif [ $(wc -c <${count}) -eq ${rename} ]; then ${after ? '/bin/mv "$@"; ' : ''}${die}; fi\nexec /bin/mv "$@"\n`,
  )
  chmodSync(mv, 0o755)
  const { status } = spawnSync('sh', words(script), { env: { ...process.env, PATH: `${join(root, 'bin')}:${process.env['PATH']}` } })
  return status !== 0
}

function begin(): void {
  for (const folder of [data, kept]) rmSync(folder, { recursive: true })
  for (const folder of [data, kept]) mkdirSync(folder)
  write(data, OLD)
  write(kept, NEW)
  run(LAY, kept)
}

describe('data is exchanged by names', () => {
  test('what is the owner’s stays, what was there goes aside, and is kept', () => {
    begin()
    expect(run(LOOK)).toBe('none')
    run(EXCHANGE)
    expect(run(LOOK)).toBe('done')
    expect(read(data)).toEqual(AFTER)
    run(KEEP, kept)
    const { 'mine.conf': _, ...rest } = OLD
    expect(read(kept)).toEqual(rest)
    run(CLEAR)
    expect(existsSync(join(data, '.hayai-switch'))).toBe(false)
    expect(read(data)).toEqual(AFTER)
  })

  test('ended before or after each rename, it is finished by being run again, and taken back by the way back', () => {
    let points = 0
    for (const after of [false, true]) {
      for (let rename = 1; ; rename += 1) {
        begin()
        if (!killedAt(EXCHANGE, rename, after)) break
        points += 1
        run(EXCHANGE)
        expect(read(data), `finished after ${rename}`).toEqual(AFTER)
        begin()
        killedAt(EXCHANGE, rename, after)
        run(RETURN)
        expect(read(data), `taken back after ${rename}`).toEqual(OLD)
      }
    }
    expect(points).toBe(14)
  })

  test('the way back, ended before or after each rename, is finished by being run again', () => {
    for (const after of [false, true]) {
      for (let rename = 1; ; rename += 1) {
        begin()
        run(EXCHANGE)
        write(data, { 'made-meanwhile': 'by the new server' })
        if (!killedAt(RETURN, rename, after)) break
        run(RETURN)
        expect(read(data)).toEqual(OLD)
        run(CLEAR)
        expect(readdirSync(data).toSorted()).toEqual(Object.keys(OLD).toSorted())
      }
    }
  })

  test('what a server made of half of it, started by others, is in nobody’s way', () => {
    begin()
    killedAt(EXCHANGE, 2, false)
    write(data, { heart: 'stray', 'only-new': 'stray' })
    run(EXCHANGE)
    expect(read(data)).toEqual(AFTER)
  })

  test('files of a twin go where the server looks for them, and room and heart are told before', () => {
    write(kept, { 'dump.rdb': 'content' })
    run(LAY, kept, 'move', 'dump.rdb', 'heart/log.1.base.rdb', 'text', 'file x\n', 'heart/log.manifest')
    expect(read(join(data, '.hayai-switch', 'in', 'heart'))).toEqual({ 'log.1.base.rdb': 'content', 'log.manifest': 'file x\n' })
    const said = run(MEASURE, kept, 'dump.rdb').split('\n')
    expect(said.slice(0, 4).every((number) => Number(number) > 0)).toBe(true)
    expect(said.slice(4)).toEqual(['same', 'has', expect.stringMatching(/^(?:disk|memory)$/)])
    expect(run(MEASURE, kept, 'heart').split('\n')[5]).toBe('lacks')
    rmSync(data, { recursive: true })
    expect(run(MEASURE, kept, 'heart')).toBe('gone')
  })
})
