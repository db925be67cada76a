// What is called healthy, by examples; and how copies pile up over time.

import { describe, expect, it } from 'vitest'
import { growthOf, type Pile } from '../../src/snapshots/growth.ts'
import { judgeDatabase, judgeRoom, type Copy, type Subject } from '../../src/snapshots/health.ts'

const NOW = new Date('2026-01-08T12:00:00Z')
const LIMITS = { now: NOW, maxAge: 26 * 3600_000, maxAgeText: '26h' }
const hoursAgo = (hours: number): Date => new Date(NOW.getTime() - hours * 3600_000)

function copy(hours: number, more: Partial<Copy> = {}): Copy {
  const verified = { at: hoursAgo(hours), ok: true }
  return {
    id: 'a1b2c3d4e5',
    name: `shop-${hours}.sql`,
    time: hoursAgo(hours),
    format: 'sql',
    plain: 1000,
    stored: 400,
    flaw: undefined,
    verified,
    ...more,
  }
}

function kinds(copies: readonly Copy[], more: Partial<Subject> = {}): readonly string[] {
  return judgeDatabase({ database: 'shop', copies, backups: [hoursAgo(2)], ...more }, LIMITS).map(({ kind }) => kind)
}

describe('a database', () => {
  it('is healthy with a recent snapshot that is whole and proven, and a recent backup', () => {
    expect(kinds([copy(26)])).toEqual([])
    expect(kinds([copy(1, { verified: undefined }), copy(20)])).toEqual([])
    expect(kinds([copy(1), copy(2000, { verified: undefined })])).toEqual([])
  })

  it('has a finding for each thing that is missing or too old', () => {
    expect(kinds([])).toEqual(['snapshot-missing'])
    expect(kinds([copy(26.1)])).toEqual(['snapshot-old'])
    expect(kinds([copy(1)], { backups: [] })).toEqual(['backup-missing'])
    expect(kinds([copy(1)], { backups: [hoursAgo(400), hoursAgo(27)] })).toEqual(['backup-old'])
    expect(kinds([], { backups: [] })).toEqual(['snapshot-missing', 'backup-missing'])
    const [old] = judgeDatabase({ database: 'shop', copies: [copy(100)], backups: [NOW] }, LIMITS)
    expect(old).toMatchObject({
      message: 'The newest whole snapshot of "shop" is 4 days old; it should be at most 26h.',
      hint: 'hayai snapshot shop',
    })
  })

  it('is not made healthy by a snapshot that is damaged, unproven, or failed its proof', () => {
    const flaw = 'shop-1.sql is gone'
    expect(kinds([copy(1, { flaw })])).toEqual(['snapshot-damaged', 'snapshot-missing'])
    expect(kinds([copy(1, { flaw }), copy(2)])).toEqual(['snapshot-damaged'])
    expect(kinds([copy(1, { verified: undefined })])).toEqual(['unproven'])
    expect(kinds([copy(1, { verified: undefined }), copy(30)])).toEqual(['unproven'])
    const refuted = { verified: { at: NOW, ok: false } }
    expect(kinds([copy(1, refuted)])).toEqual(['refuted', 'unproven'])
    expect(kinds([copy(1), copy(2, refuted)])).toEqual(['refuted'])
  })

  it('is told when it holds less than half or more than double of the median of the five before', () => {
    const before = [1000, 1010, 990, 1020, 980, 5, 5, 5].map((plain, at) => copy(at + 2, { plain }))
    const withNewest = (plain: number): readonly string[] => kinds([copy(1, { plain }), ...before])
    expect(withNewest(500)).toEqual([])
    expect(withNewest(499)).toEqual(['size'])
    expect(withNewest(2000)).toEqual([])
    expect(withNewest(2001)).toEqual(['size'])
    expect(withNewest(0)).toEqual(['size'])
    const [size] = judgeDatabase({ database: 'shop', copies: [copy(1, { plain: 12 }), ...before], backups: [NOW] }, LIMITS)
    expect(size?.message).toBe(
      'The newest snapshot of "shop" holds 12 bytes: less than half of what is usual (1,000, the median of the 5 before it).',
    )
  })

  it('is compared only with enough of the same format, and not by how well it was compressed', () => {
    expect(kinds([copy(1, { plain: 1 }), copy(2), copy(3)])).toEqual([])
    expect(kinds([copy(1, { plain: 1 }), copy(2), copy(3), copy(4)])).toEqual(['size'])
    expect(kinds([copy(1, { plain: 9999, format: 'tar' }), copy(2), copy(3), copy(4)])).toEqual([])
    expect(kinds([copy(1, { stored: 1 }), copy(2), copy(3), copy(4)])).toEqual([])
  })
})

it('the disk must have double of what comes next', () => {
  expect(judgeRoom({ folder: 'snapshots', free: 2000, next: 1000 })).toEqual([])
  expect(judgeRoom({ folder: 'snapshots', free: 1999, next: 1000 })).toMatchObject([
    {
      kind: 'disk',
      database: null,
      message: 'The disk of snapshots has 1,999 bytes free; the next copies there take about 1,000, and 2,000 should be.',
    },
  ])
})

describe('what has piled up', () => {
  const pile = (time: string, bytes: number): Pile => ({ time: new Date(time), bytes })

  it('is nothing where there is nothing', () => {
    expect(growthOf([], 12)).toEqual({ by: 'day', growth: [] })
  })

  it('is told by day, with days on which nothing came', () => {
    const growth = [
      { from: '2026-01-08', added: 3, total: 3 },
      { from: '2026-01-09', added: 0, total: 3 },
      { from: '2026-01-10', added: 4, total: 7 },
    ]
    const piles = [pile('2026-01-10T00:00:00Z', 4), pile('2026-01-08T00:00:00Z', 1), pile('2026-01-08T23:59:59Z', 2)]
    expect(growthOf(piles, 12)).toEqual({ by: 'day', growth })
  })

  it('is told by week from Monday, or by month, where it would be too much else; and never more than wanted', () => {
    const weeks = growthOf([pile('2026-01-08T12:00:00Z', 1), pile('2026-01-26T00:00:00Z', 1)], 4)
    expect([weeks.by, weeks.growth.map(({ from }) => from)]).toEqual(['week', ['2026-01-05', '2026-01-12', '2026-01-19', '2026-01-26']])
    const months = growthOf([pile('2025-11-30T23:00:00Z', 5), pile('2026-01-31T00:00:00Z', 1)], 3)
    expect([months.by, months.growth.map(({ from }) => from)]).toEqual(['month', ['2025-11-01', '2025-12-01', '2026-01-01']])
    const years = growthOf([pile('2020-01-01T00:00:00Z', 5), pile('2026-01-31T00:00:00Z', 1)], 3)
    expect(years.growth.map(({ total }) => total)).toEqual([5, 5, 6])
  })
})
