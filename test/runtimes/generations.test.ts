import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  dropped,
  generationsOf,
  grown,
  ledgerFile,
  neighbourOf,
  nextName,
  parseLedger,
  readLedger,
  switched,
  writeLedger,
  type Ledger,
} from '../../src/runtimes/generations.ts'

const birth = { origin: 'created', version: '15.18', at: new Date('2026-01-08T10:30:45Z') }
const later = new Date('2026-02-01T00:00:00Z')

interface Step {
  readonly verb: 'restore' | 'undo' | 'redo' | 'drop' | 'switch'
  /** Which one to drop or to switch to. */
  readonly pick: number
}

const steps = fc.array(fc.record<Step>({ verb: fc.constantFrom('restore', 'undo', 'redo', 'drop', 'switch'), pick: fc.nat(50) }), {
  maxLength: 40,
})

function take(ledger: Ledger, step: Step): Ledger {
  if (step.verb === 'restore') return grown(ledger, nextName(ledger, []), { ...birth, origin: 'restored from x' })
  if (step.verb === 'undo' || step.verb === 'redo') {
    const name = neighbourOf(ledger, step.verb === 'undo' ? -1 : 1)
    return name === undefined ? ledger : switched(ledger, name, later)
  }
  const names = Object.keys(ledger.entries)
  const name = names[step.pick % names.length] ?? ledger.live
  if (step.verb === 'switch') return switched(ledger, name, later)
  return name === ledger.live ? ledger : dropped(ledger, name)
}

const ledgers = steps.map((all) => all.reduce(take, grown(undefined, 'g0001', birth)))

describe('the ledger, whatever was done before', () => {
  test('loses an entry by drop alone, and never gives a name twice', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let ledger = grown(undefined, 'g0001', birth)
        const ever = new Set(['g0001'])
        for (const step of all) {
          const before = Object.keys(ledger.entries)
          ledger = take(ledger, step)
          const now = Object.keys(ledger.entries)
          const lost = before.filter((name) => !now.includes(name))
          expect(lost.length).toBeLessThanOrEqual(step.verb === 'drop' ? 1 : 0)
          const fresh = now.filter((name) => !before.includes(name))
          for (const name of fresh) {
            expect(ever.has(name)).toBe(false)
            ever.add(name)
          }
        }
      }),
    )
  })

  test('has its live generation in its line, the only one that is not retired, and can be written and read', () => {
    fc.assert(
      fc.property(ledgers, (ledger) => {
        expect(ledger.line).toContain(ledger.live)
        expect(
          generationsOf(ledger)
            .filter((each) => each.retired === undefined)
            .map((each) => each.name),
        ).toEqual([ledger.live])
        expect(parseLedger(JSON.stringify(ledger), 'x')).toEqual(ledger)
      }),
    )
  })

  test('is the same after undo and redo, and after redo and undo', () => {
    const shape = ({ live, line, entries }: Ledger): unknown => ({ live, line, names: Object.keys(entries).toSorted() })
    fc.assert(
      fc.property(ledgers, fc.constantFrom(-1 as const, 1 as const), (ledger, step) => {
        const there = neighbourOf(ledger, step)
        fc.pre(there !== undefined)
        const away = switched(ledger, there, later)
        expect(neighbourOf(away, step === 1 ? -1 : 1)).toBe(ledger.live)
        expect(shape(switched(away, ledger.live, later))).toEqual(shape(ledger))
      }),
    )
  })

  test('leads back from a restore to what was live before it', () => {
    fc.assert(
      fc.property(ledgers, (ledger) => {
        const after = grown(ledger, nextName(ledger, []), birth)
        expect(neighbourOf(after, -1)).toBe(ledger.live)
        expect(neighbourOf(after, 1)).toBeUndefined()
      }),
    )
  })
})

test('undo goes one further back each time, and redo forward again', () => {
  let ledger = grown(undefined, 'g0001', birth)
  ledger = grown(ledger, 'g0002', birth)
  ledger = grown(ledger, 'g0003', birth)
  const walked: (string | undefined)[] = []
  for (const step of [-1, -1, -1, 1, 1, 1] as const) {
    const name = neighbourOf(ledger, step)
    walked.push(name)
    if (name !== undefined) ledger = switched(ledger, name, later)
  }
  expect(walked).toEqual(['g0002', 'g0001', undefined, 'g0002', 'g0003', undefined])
})

test('what lay forward of a restore leaves the line and is kept', () => {
  let ledger = grown(grown(undefined, 'g0001', birth), 'g0002', birth)
  ledger = switched(ledger, 'g0001', later)
  ledger = grown(ledger, 'g0003', birth)
  expect(ledger.line).toEqual(['g0001', 'g0003'])
  expect(ledger.entries['g0002']?.retired).toBe(later.toISOString())
  expect(switched(ledger, 'g0002', later).line).toEqual(['g0001', 'g0003', 'g0002'])
})

test('names count on past folders that are there, past what was dropped, and past 9999', () => {
  const ledger = grown(grown(undefined, 'g0001', birth), 'g0002', birth)
  expect(nextName(undefined, [])).toBe('g0001')
  expect(nextName(ledger, ['g0007', 'generations.json', 'gx'])).toBe('g0008')
  expect(nextName(dropped(switched(ledger, 'g0001', later), 'g0002'), [])).toBe('g0003')
  expect(nextName(grown(undefined, 'g9999', birth), [])).toBe('g10000')
  expect(generationsOf(grown(grown(undefined, 'g9999', birth), 'g10000', birth)).map((each) => each.name)).toEqual(['g9999', 'g10000'])
})

test('the live generation is not dropped, and one that is not there is not found', () => {
  const ledger = grown(undefined, 'g0001', birth)
  expect(() => dropped(ledger, 'g0001')).toThrow(expect.objectContaining({ code: 'WRONG_STATE' }))
  expect(() => dropped(ledger, 'g0002')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
  expect(() => switched(ledger, 'toString', later)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
})

describe('on disk', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hayai-ledger-'))
  })
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  test('is read back as it was written, and is not there before', async () => {
    const dataDir = join(folder, 'not', 'yet')
    expect(await readLedger(dataDir)).toBeUndefined()
    const ledger = grown(grown(undefined, 'g0001', birth), 'g0002', birth)
    await writeLedger(dataDir, ledger)
    expect(await readLedger(dataDir)).toEqual(ledger)
  })

  const good = grown(grown(undefined, 'g0001', birth), 'g0002', birth)
  const entry = good.entries['g0001']
  test.each<[string, string]>([
    ['empty', ''],
    ['cut', JSON.stringify(good).slice(0, -20)],
    ['a list', '[]'],
    ['no version', JSON.stringify({ ...good, formatVersion: undefined })],
    ['live is not an entry', JSON.stringify({ ...good, live: 'g0009' })],
    ['live is not in the line', JSON.stringify({ ...good, line: ['g0001'] })],
    ['a name twice in the line', JSON.stringify({ ...good, line: ['g0001', 'g0002', 'g0002'] })],
    ['a name in the line without entry', JSON.stringify({ ...good, line: ['g0001', 'g0002', 'g0003'] })],
    ['a name that leaves the folder', JSON.stringify({ ...good, entries: { ...good.entries, '../../x': entry } })],
    ['an entry without origin', JSON.stringify({ ...good, entries: { ...good.entries, g0001: { ...entry, origin: undefined } } })],
    ['two that are not retired', JSON.stringify({ ...good, entries: { ...good.entries, g0001: { ...entry, retired: null } } })],
    ['a number that was never given', JSON.stringify({ ...good, given: 1 })],
  ])('damaged (%s) is refused, and not written over', async (_, content) => {
    await writeFile(ledgerFile(folder), content)
    await expect(readLedger(folder)).rejects.toMatchObject({ code: 'CORRUPT' })
    await expect(writeLedger(folder, good)).rejects.toMatchObject({ code: 'CORRUPT' })
    expect(await readFile(ledgerFile(folder), 'utf8')).toBe(content)
  })

  test('of a newer Hayai says so', async () => {
    await writeFile(ledgerFile(folder), JSON.stringify({ ...good, formatVersion: 2 }))
    await expect(readLedger(folder)).rejects.toMatchObject({ code: 'ENVIRONMENT', hint: 'Update Hayai.' })
  })
})
