// When the daemon runs plans: with a clock that is moved for summer and winter, set back and forth, and slept over; over leap days and
// restarts, and with two daemons.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HayaiError } from '../../src/base/errors.ts'
import { lastTime, nextTime, parseCron } from '../../src/base/cron.ts'
import { daemonUntil, plan, stepping, world, type World } from './world.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const slots = ({ runs }: World): readonly string[] => runs.map(({ slot }) => slot.slice(0, 16))
/** The machine is asleep most of the time, and looks at the clock every so often. */
const dozing = (of: World, minutes: number): World => Object.assign(of, { passes: (wanted: number) => Math.max(wanted, minutes * MINUTE) })

const awake = (of: World): World => Object.assign(of, { passes: (wanted: number) => wanted })

describe('a plan that runs once a day', () => {
  it.each([
    ['Europe/Lisbon', '30 1 * * *', '2026-03-28', ['2026-03-28T01:30', '2026-03-29T01:00', '2026-03-30T00:30']],
    ['Europe/Lisbon', '30 1 * * *', '2026-10-24', ['2026-10-24T00:30', '2026-10-25T00:30', '2026-10-26T01:30']],
    ['America/New_York', '30 2 * * *', '2026-03-07', ['2026-03-07T07:30', '2026-03-08T07:00', '2026-03-09T06:30']],
    ['America/New_York', '30 1 * * *', '2026-10-31', ['2026-10-31T05:30', '2026-11-01T05:30', '2026-11-02T06:30']],
    ['Australia/Lord_Howe', '15 2 * * *', '2026-10-02', ['2026-10-02T15:45', '2026-10-03T15:30', '2026-10-04T15:15']],
    ['Australia/Lord_Howe', '45 1 * * *', '2026-04-03', ['2026-04-03T14:45', '2026-04-04T14:45', '2026-04-05T15:15']],
  ])('in %s at %s: once on each day, also when the clock is moved (from %s)', async (zone, line, day, expected) => {
    const here = dozing(world(`${day}T00:10Z`, plan('daily', line, zone)), 17)
    await daemonUntil(here, new Date(Date.parse(day) + 71 * HOUR).toISOString())
    expect(slots(here)).toEqual(expected)
    for (const { slot, at } of here.runs) expect(Date.parse(at) - Date.parse(slot)).toBeLessThanOrEqual(17 * MINUTE)
  })

  it('runs to the second while the machine is awake', async () => {
    const here = awake(world('2026-01-08T01:59Z', plan('daily', '0 2 * * *')))
    await daemonUntil(here, '2026-01-08T02:01Z')
    expect(here.runs).toEqual([{ plan: 'daily', slot: '2026-01-08T02:00:00.000Z', at: '2026-01-08T02:00:00.000Z', killed: false }])
  })
})

it('a plan of the 29 February runs in leap years alone', async () => {
  const here = dozing(world('2096-02-20T00:00Z', plan('leap', '0 12 29 2 *')), 6 * 60)
  for (const year of [2096, 2097, 2100, 2104]) {
    here.now = Date.parse(`${year}-02-20T00:00Z`)
    await daemonUntil(here, `${year}-03-02T00:00Z`)
  }
  expect(slots(here)).toEqual(['2096-02-29T12:00', '2104-02-29T12:00'])
})

describe('what was missed', () => {
  it('while the machine slept is made up for once, with the last time', async () => {
    const here = world('2026-01-08T00:30Z', plan('hourly', '@hourly'))
    await daemonUntil(here, '2026-01-08T01:30Z')
    here.passes = () => 50 * HOUR
    await daemonUntil(here, '2026-01-10T03:00Z')
    awake(here)
    await daemonUntil(here, '2026-01-10T04:10Z')
    expect(slots(here)).toEqual(['2026-01-08T01:00', '2026-01-10T03:00', '2026-01-10T04:00'])
  })

  it('while no daemon was there is made up for once, and nothing from before the first one', async () => {
    const here = world('2026-01-08T10:00Z', plan('daily', '0 2 * * *'))
    await daemonUntil(here, '2026-01-08T11:00Z')
    expect(slots(here)).toEqual([])
    here.now = Date.parse('2026-01-12T12:00Z')
    await daemonUntil(here, '2026-01-12T12:30Z')
    await daemonUntil(here, '2026-01-12T13:00Z')
    expect(slots(here)).toEqual(['2026-01-12T02:00'])
  })

  it('because a run was killed is made up for, but not for ever', async () => {
    const here = world('2026-01-08T01:59Z', plan('daily', '0 2 * * *'))
    here.dies = () => true
    dozing(here, 1)
    for (let round = 0; round < 6; round++) await daemonUntil(here, '2026-01-08T02:10Z')
    expect(here.runs.map(({ killed }) => killed)).toEqual([true, true, true])
    here.dies = () => false
    dozing(here, 10)
    await daemonUntil(here, '2026-01-09T02:10Z')
    expect(slots(here).at(-1)).toBe('2026-01-09T02:00')
  })
})

describe('a clock that is set', () => {
  it('back repeats nothing', async () => {
    const here = world('2026-01-08T00:30Z', plan('hourly', '@hourly'))
    await daemonUntil(here, '2026-01-08T02:30Z')
    here.now -= 2 * HOUR
    await daemonUntil(here, '2026-01-08T03:30Z')
    expect(slots(here)).toEqual(['2026-01-08T01:00', '2026-01-08T02:00', '2026-01-08T03:00'])
  })

  it('years ahead by mistake, and back, loses nothing of what comes', async () => {
    const here = world('2026-01-08T00:30Z', plan('hourly', '@hourly'))
    await daemonUntil(here, '2026-01-08T01:30Z')
    here.now = Date.parse('2031-05-05T05:05Z')
    await daemonUntil(here, '2031-05-05T06:05Z')
    here.now = Date.parse('2026-01-08T01:45Z')
    await daemonUntil(here, '2026-01-08T03:05Z')
    expect(slots(here)).toEqual(['2026-01-08T01:00', '2031-05-05T05:00', '2031-05-05T06:00', '2026-01-08T02:00', '2026-01-08T03:00'])
  })

  it('that was years ahead when the first daemon began does no harm either', async () => {
    const here = world('2031-05-05T05:05Z', plan('hourly', '@hourly'))
    await daemonUntil(here, '2031-05-05T05:30Z')
    here.now = Date.parse('2026-01-08T01:45Z')
    await daemonUntil(here, '2026-01-08T03:05Z')
    expect(slots(here)).toEqual(['2026-01-08T02:00', '2026-01-08T03:00'])
  })
})

describe('plans', () => {
  it('that change count from then on; one that is taken out and comes back makes up for nothing', async () => {
    const here = dozing(world('2026-01-08T01:00Z', plan('daily', '0 2 * * *')), 5)
    await daemonUntil(here, '2026-01-08T03:00Z')
    here.plans = () => [plan('daily', '30 1 * * *')]
    await daemonUntil(here, '2026-01-09T01:45Z')
    here.plans = () => []
    await daemonUntil(here, '2026-01-11T01:00Z')
    here.plans = () => [plan('daily', '30 1 * * *')]
    here.now = Date.parse('2026-01-12T12:00Z')
    await daemonUntil(here, '2026-01-12T13:00Z')
    expect(slots(here)).toEqual(['2026-01-08T02:00', '2026-01-09T01:30'])
  })

  it('stay as they were while .hayaidb cannot be used, which is told once', async () => {
    const here = world('2026-01-08T00:00Z', plan('daily', '0 2 * * *'))
    const good = here.plans
    here.plans = () => {
      if (here.now < Date.parse('2026-01-08T01:00Z')) return good()
      throw new HayaiError('CONFIG_INVALID', 'a quote is missing')
    }
    const events = await daemonUntil(here, '2026-01-08T02:10Z')
    expect(events.map(({ event }) => event)).toEqual(['plans', 'config', 'run'])
  })

  it('of the same time run one after the other, as they are declared', async () => {
    const here = world('2026-01-08T01:30Z', plan('hourly', '@hourly'), plan('daily', '0 2 * * *'))
    await daemonUntil(here, '2026-01-08T02:30Z')
    expect(here.runs.map((run) => run.plan)).toEqual(['hourly', 'daily'])
  })
})

it('two daemons serve each time once between them', async () => {
  const here = dozing(world('2026-01-08T00:10Z', plan('often', '*/10 * * * *'), plan('hourly', '@hourly')), 1)
  const both = [stepping(here, '2026-01-08T03:05Z'), stepping(here, '2026-01-08T03:05Z')]
  const over = new Set<number>()
  for (let turn = 0; over.size < 2; turn = (turn + 1) % 2) if ((await both[turn]?.next())?.done === true) over.add(turn)
  const of = (name: string): readonly string[] => here.runs.filter((run) => run.plan === name).map(({ slot }) => slot.slice(11, 16))
  expect(of('hourly')).toEqual(['01:00', '02:00', '03:00'])
  expect(of('often')).toEqual(
    ['00:10', '00:20', '00:30', '00:40', '00:50'].concat(
      ...['01', '02'].map((hour) => [0, 1, 2, 3, 4, 5].map((ten) => `${hour}:${ten}0`)),
      '03:00',
    ),
  )
})

it('whatever happens to clock and daemons, no time is served twice, none before it comes, and the last one always is', async () => {
  const turn = fc.record({
    hours: fc.integer({ min: 0, max: 80 }),
    jump: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: -3, max: 400 }) }),
    doze: fc.integer({ min: 20, max: 300 }),
    kills: fc.boolean(),
  })
  const line = fc.constantFrom('30 1 * * *', '0 */6 * * *', '15 2 * * sun', '0 3 1 * *')
  const zone = fc.constantFrom('Europe/Lisbon', 'America/New_York', 'Australia/Lord_Howe')
  const start = fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2027, 0) })
  await fc.assert(
    fc.asyncProperty(start, line, zone, fc.array(turn, { minLength: 1, maxLength: 6 }), async (begin, schedule, name, turns) => {
      const here = world(new Date(begin).toISOString(), plan('one', schedule, name))
      for (const { hours, jump, doze, kills } of turns) {
        here.now += jump * HOUR
        dozing(here, doze)
        let left = kills ? 1 : 0
        here.dies = () => left-- > 0
        const until = new Date(here.now + hours * HOUR).toISOString()
        await daemonUntil(here, until)
        await daemonUntil(here, until) // it is started again, also when it was killed
        await daemonUntil(here, until)
      }
      const ended = new Date(here.now)
      here.dies = () => false
      awake(here)
      await daemonUntil(here, new Date(here.now + 10_000).toISOString())
      const whole = here.runs.filter(({ killed }) => !killed).map(({ slot }) => slot)
      expect(new Set(whole).size).toBe(whole.length)
      for (const { slot, at } of here.runs) {
        expect(lastTime(parseCron(schedule), name, new Date(at))?.toISOString()).toBe(slot)
      }
      const last = lastTime(parseCron(schedule), name, ended)
      const watched = here.entries.find(({ kind }) => kind === 'watched')
      const first = nextTime(parseCron(schedule), name, new Date(watched?.kind === 'watched' ? watched.at : begin))
      const back = turns.some(({ jump }) => jump < 0)
      if (!back && last !== undefined && first !== undefined && last >= first) expect(whole).toContain(last.toISOString())
    }),
    { numRuns: 60 },
  )
})
