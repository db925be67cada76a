// Where the output goes: colours, pipes that close, disks that are full, and what is said about sizes and times.

import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { progressText } from '../../src/cli/progress.ts'
import { age, contents, duration, size, table } from '../../src/cli/wording.ts'
import { hayai, PROGRAM, run } from './terminal.ts'

const ESCAPE = '\u001B['
const node = process.execPath
const shell = (line: string, env: Record<string, string> = {}) => run('bash', ['-c', line], { env })
/** In a terminal of its own. */
const onTerminal = (command: string, env: Record<string, string> = {}) => run('script', ['-qec', command, '/dev/null'], { env })
const noScript = !existsSync('/usr/bin/script')

describe('colour', () => {
  it('is not in a pipe', async () => {
    expect((await hayai(['--help'])).stdout).not.toContain(ESCAPE)
    expect((await hayai(['nonsense'])).stderr).not.toContain(ESCAPE)
  })

  it.skipIf(noScript)('is on a terminal, but not where NO_COLOR is set or JSON is wanted', async () => {
    const command = `${node} ${PROGRAM}`
    expect((await onTerminal(`${command} --help`)).stdout).toContain(ESCAPE)
    expect((await onTerminal(`${command} nonsense`)).stdout).toContain(ESCAPE)
    expect((await onTerminal(`${command} --help`, { NO_COLOR: '1' })).stdout).not.toContain(ESCAPE)
    expect((await onTerminal(`${command} nonsense`, { NO_COLOR: '1' })).stdout).not.toContain(ESCAPE)
    expect((await onTerminal(`${command} --help --json`)).stdout).not.toContain(ESCAPE)
  })
})

describe('a reader that goes away', () => {
  it('ends the program quietly', async () => {
    const { stdout, stderr } = await shell(`${node} ${PROGRAM} completion bash | head -n 1; echo "\${PIPESTATUS[0]}"`)
    expect(stderr).toBe('')
    expect(stdout).toBe('# bash completion of hayai\n0\n')
  })

  it('is no failure even when it never read', async () => {
    const { stdout, stderr } = await shell(`(sleep 0; exec ${node} ${PROGRAM} --help) | true; echo "\${PIPESTATUS[0]}"`)
    expect(stderr).toBe('')
    expect(stdout).toBe('0\n')
  })

  it('does not change the status of a failure', async () => {
    const { stdout } = await shell(`${node} ${PROGRAM} nonsense --json | true; echo "\${PIPESTATUS[0]}"`)
    expect(stdout).toBe('2\n')
  })

  it('of errors does not stop the answer', async () => {
    const { stdout } = await shell(`${node} ${PROGRAM} version --json 2>&-; echo "$?"`)
    expect(stdout).toMatch(/"ok": true[\s\S]*\n0\n$/)
  })
})

it.skipIf(!existsSync('/dev/full'))('an answer that cannot be written is a failure', async () => {
  const { stdout, stderr } = await shell(`${node} ${PROGRAM} --help > /dev/full; echo "$?"`)
  expect(stdout).toBe('10\n')
  expect(stderr).toContain('standard output cannot be written')
})

describe('words for people', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 KB'],
    [999_949, '1.0 MB'],
    [1_234_567, '1.2 MB'],
    [123_456_789, '123 MB'],
    [5_000_000_000_000_000, '5000 TB'],
  ])('%d bytes are %s', (bytes, text) => expect(size(bytes)).toBe(text))

  it.each([
    [0.04, '0.0 s'],
    [9.96, '10 s'],
    [59.7, '1 min 0 s'],
    [95, '1 min 35 s'],
    [7260, '2 h 1 min'],
  ])('%d seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text))

  it.each([
    [0, 'just now'],
    [-5, 'just now'],
    [119, '1 min ago'],
    [47 * 3600, '47 h ago'],
    [49 * 3600, '2 days ago'],
  ])('%d seconds before now is %s', (seconds, text) => {
    const now = Date.UTC(2026, 0, 8)
    expect(age(new Date(now - seconds * 1000).toISOString(), now)).toBe(text)
  })

  it('what was counted is called as the engine calls it', () => {
    const census = { tables: { db0: 1200, db3: 1 }, objects: {} }
    expect(contents(census, 'redis')).toBe('1,201 keys in 2 dbs')
    expect(contents(census, 'postgresql')).toBe('1,201 rows in 2 tables')
    expect(contents({ tables: { t: 1 }, objects: {} }, 'mariadb')).toBe('1 row in 1 table')
  })

  it('a table leaves out what is empty everywhere and trails no blanks', () => {
    const plain = { bold: String, dim: String, good: String, bad: String, warn: String }
    const rows = [
      ['a', '', 'x'],
      ['bbb', '', ''],
    ]
    expect(table(['N', 'EMPTY', 'LAST'], rows, plain)).toBe('N    LAST\na    x\nbbb')
  })

  it.each([
    [{ stage: 'connecting' }, 5, 'connecting …'],
    [{ stage: 'dumping', bytes: 2_000_000 }, 2, 'dumping · 2.0 MB · 1.0 MB/s'],
    [{ stage: 'dumping', bytes: 2_000_000, total: 8_000_000 }, 2, 'dumping · 2.0 MB of 8.0 MB (25 %) · 1.0 MB/s · 6.0 s left'],
    [{ stage: 'dumping', bytes: 9_000_000, total: 8_000_000 }, 3, 'dumping · 9.0 MB · 3.0 MB/s'],
    [{ stage: 'dumping', bytes: 0, total: 0 }, 3, 'dumping · 0 B'],
  ])('%j after %d s', (progress, seconds, text) => expect(progressText(progress, seconds, 0)).toBe(text))
})
