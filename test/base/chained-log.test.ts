// A log that is only added to: nothing is lost when many write at once, and what was changed afterwards shows.

import { execFile } from 'node:child_process'
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { append, linesOf, type ChainedLog, type Line } from '../../src/base/chained-log.ts'
import { freshFolder } from '../project/folder.ts'
import { bundled } from '../programs.ts'

async function log(): Promise<ChainedLog> {
  const folder = await freshFolder()
  return { log: join(folder, 'a.log'), head: join(folder, 'a.head'), lock: join(folder, 'a.lock') }
}
async function read(chained: ChainedLog): Promise<readonly Line[]> {
  const lines: Line[] = []
  for await (const line of linesOf(chained)) lines.push(line)
  return lines
}
async function flaws(chained: ChainedLog): Promise<readonly string[]> {
  return (await read(chained)).flatMap((line) => (line.kind === 'flaw' ? [`${line.number}: ${line.what}`] : []))
}
async function numbers(chained: ChainedLog): Promise<readonly unknown[]> {
  return (await read(chained)).flatMap((line) => (line.kind === 'entry' ? [line.entry['n']] : []))
}
async function change(chained: ChainedLog, how: (lines: string[]) => string[]): Promise<void> {
  const lines = (await readFile(chained.log, 'utf8')).trimEnd().split('\n')
  await writeFile(chained.log, `${how(lines).join('\n')}\n`)
}
async function five(): Promise<ChainedLog> {
  const chained = await log()
  for (const n of [1, 2, 3, 4, 5]) await append(chained, { n, text: 'what "hash": was, and ünïcode' })
  return chained
}

it('loses no line of forty that are written at once, by eight processes', async () => {
  const chained = await log()
  const script = `
    import { append } from ${JSON.stringify(bundled('src/base/chained-log.ts'))}
    const [log, first] = [JSON.parse(process.argv[1]), Number(process.argv[2])]
    await Promise.all([0, 1, 2, 3, 4].map((n) => append(log, { n: first + n })))
  `
  const all = Array.from({ length: 40 }, (_, n) => n)
  await Promise.all(
    [0, 5, 10, 15, 20, 25, 30, 35].map((n) =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, JSON.stringify(chained), String(n)]),
    ),
  )
  expect((await numbers(chained)).toSorted((a, b) => Number(a) - Number(b))).toEqual(all)
  expect(await flaws(chained)).toEqual([])
})

it('is as it was written, until a hand changes a line, puts one in, or takes one out', async () => {
  const chained = await five()
  expect(await flaws(chained)).toEqual([])
  expect(await numbers(chained)).toEqual([1, 2, 3, 4, 5])
  const whole = await readFile(chained.log, 'utf8')
  const tried = async (how: (lines: string[]) => string[]): Promise<readonly string[]> => {
    await writeFile(chained.log, whole)
    await change(chained, how)
    return flaws(chained)
  }
  expect(await tried((lines) => lines.with(2, (lines[2] ?? '').replace('"n":3', '"n":9')))).toEqual([
    '3: this line was changed, or one before it is missing',
  ])
  expect(await tried((lines) => lines.toSpliced(1, 1))).toEqual(['2: this line was changed, or one before it is missing'])
  expect(await tried((lines) => lines.toSpliced(0, 1))).toEqual(['1: this line was changed, or one before it is missing'])
  expect(await tried((lines) => lines.slice(0, 4))).toEqual(['5: lines are missing at the end'])
  expect(await tried((lines) => lines.toSpliced(2, 0, '{"n":2.5}'))).toEqual(['3: this line was put in by another hand'])
  expect(await tried((lines) => lines.toSpliced(1, 2, lines[2] ?? '', lines[1] ?? ''))).toHaveLength(3)
})

it('still shows that the end was cut off, or all of it, after more was written', async () => {
  const chained = await five()
  await change(chained, (lines) => lines.slice(0, 3))
  await append(chained, { n: 6 })
  expect(await flaws(chained)).toEqual(['4: this line was changed, or one before it is missing'])
  const other = await five()
  await rm(other.log)
  expect(await flaws(other)).toEqual(['1: lines are missing at the end'])
  await append(other, { n: 6 })
  expect(await flaws(other)).toEqual(['1: this line was changed, or one before it is missing'])
})

it('passes over what a crash has cut, and tells where; lines from before the digests are entries', async () => {
  const chained = await log()
  await writeFile(chained.log, '{"n":0}\n')
  await append(chained, { n: 1 })
  await appendFile(chained.log, '{"n":2,"te')
  await append(chained, { n: 3 })
  expect(await read(chained)).toMatchObject([
    { kind: 'entry', number: 1, entry: { n: 0 } },
    { kind: 'entry', number: 2, entry: { n: 1 } },
    { kind: 'cut', number: 3 },
    { kind: 'entry', number: 4, entry: { n: 3 } },
  ])
  // A crash between the line and the note of it: the note is behind, and nothing is missing.
  const note = await readFile(chained.head, 'utf8')
  await append(chained, { n: 4, long: 'x'.repeat(40_000) })
  await writeFile(chained.head, note)
  expect(await flaws(chained)).toEqual([])
  await append(chained, { n: 5 })
  expect(await flaws(chained)).toEqual([])
})
