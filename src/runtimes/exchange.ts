// Making another generation live. The ledger's replacement is the one moment at which it happens; a running server is
// stopped just before and started just after, and a note in <runDir> says so to whoever comes after a crash. At every point
// either the generation before is live or the next one, and a database that was running can be made to run again.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HayaiError, isCode, messageOf, type Code } from '../base/errors.ts'
import { freeBytes, makeFolder, readIfThere, writeDurably } from '../base/files.ts'
import { dropped, readLedger, switched, writeLedger, type Ledger } from './generations.ts'
import { isUnfinished } from './marks.ts'
import type { Placement } from './runtime.ts'

/** A database whose generations are exchanged: what runs it. */
export interface Live {
  readonly placement: Placement
  at(moment: 'switch announced' | 'live stopped' | 'switched' | 'live started' | 'rest announced' | 'at rest'): void
  runs(): Promise<boolean>
  /** Returns when what the ledger calls live answers. */
  start(ledger: Ledger, signal: AbortSignal): Promise<void>
  stop(): Promise<void>
  /** What has to be written elsewhere once the ledger says so. Done again after a crash. */
  follow(ledger: Ledger): Promise<void>
}

/** What a server needs to start: below this it is not stopped, for it might not come back. */
const BREATH = 16 * 1024 * 1024

/** On failure the ledger is as it was before, and a database that was running is running. */
export async function exchange(live: Live, before: Ledger | undefined, next: Ledger): Promise<void> {
  if (before === undefined || !(await live.runs())) {
    await writeLedger(live.placement.dataDir, next)
    live.at('switched')
    await live.follow(next)
    return
  }
  await refuseWithoutBreath(live)
  await live.placement.certificates?.ensure() // what is wrong with them is told while everything runs
  await announce(live, before.live)
  live.at('switch announced')
  try {
    await live.stop()
    live.at('live stopped')
    await writeLedger(live.placement.dataDir, next)
    live.at('switched')
    await live.start(next, unhurried())
    live.at('live started')
  } catch (error) {
    await takeBack(live, before, error)
    throw error
  }
  await rm(noteFile(live), { force: true })
}

async function takeBack(live: Live, before: Ledger, reason: unknown): Promise<void> {
  try {
    const { dataDir } = live.placement
    if ((await readLedger(dataDir))?.live !== before.live) await writeLedger(dataDir, before)
    await live.start(before, unhurried())
    await rm(noteFile(live), { force: true })
  } catch (error) {
    throw failure(error, `${messageOf(reason)}; and the data before it, which is live again, does not start: ${messageOf(error)}`, live)
  }
}

/** After a crash: finishes a switch that had begun, or takes it back when what it leads to does not start. */
export async function resumeExchange(live: Live): Promise<void> {
  const { dataDir } = live.placement
  const before = await announced(live)
  if (before === undefined) return
  const ledger = await readLedger(dataDir)
  try {
    if (ledger === undefined) return
    await live.start(ledger, unhurried())
    live.at('live started')
  } catch (error) {
    const returns = ledger !== undefined && ledger.live !== before && ledger.entries[before] !== undefined
    // A taken port or a missing program says nothing of the data: then going back would not help either.
    if (!returns || !isCode(error, 'TOOL_FAILED')) {
      throw failure(error, `${called(live)} was running when a command was killed, and does not start again: ${messageOf(error)}`, live)
    }
    await goBack(live, ledger, before)
    throw failure(
      error,
      `a switch of ${called(live)} to ${ledger.live} was cut short, and taken back to ${before}: ${messageOf(error)}`,
      live,
    )
  } finally {
    await rm(noteFile(live), { force: true }) // tried once: a database that does not start must not stop every command
  }
}

async function goBack(live: Live, ledger: Ledger, before: string): Promise<void> {
  const back = switched(ledger, before, new Date())
  // A restored generation that never ran is none; one that ran before is kept.
  await writeLedger(live.placement.dataDir, (await isUnfinished(live.placement.dataDir, ledger.live)) ? dropped(back, ledger.live) : back)
  await live.start(back, unhurried())
}

export async function refuseWithoutBreath(live: Live): Promise<void> {
  const free = await freeBytes(live.placement.dataDir)
  if (free >= BREATH) return
  throw new HayaiError(
    'STORE_FAILED',
    `only ${free} bytes are left beside the data of ${called(live)}: too little to start a server again`,
    {
      hint: 'Make room on that disk, and try again. Nothing was changed.',
      details: { free, needed: BREATH },
    },
  )
}

export function failure(error: unknown, message: string, live: Live): HayaiError {
  const known = error instanceof HayaiError ? error : undefined
  const code: Code = known?.code ?? 'UNEXPECTED'
  return new HayaiError(code, message, {
    hint: known?.hint ?? `Run \`hayai start ${live.placement.name}\`.`,
    cause: error,
    ...(known?.details === undefined ? {} : { details: known.details }),
  })
}

/** A switch that has begun is not interrupted: it takes seconds, and half of it is worse than either end. */
export function unhurried(): AbortSignal {
  return new AbortController().signal
}

/** The next command starts the database again, if this one does not come to it. */
export async function announce(live: Live, before: string): Promise<void> {
  await makeFolder(live.placement.runDir)
  await writeDurably(noteFile(live), `${JSON.stringify({ before })}\n`)
}

/** It runs again, or never stopped. */
export async function forget(live: Live): Promise<void> {
  await rm(noteFile(live), { force: true })
}

async function announced(live: Live): Promise<string | undefined> {
  const content = await readIfThere(noteFile(live))
  if (content === undefined) return undefined
  const before = /^\{"before":"(g\d{4,})"\}\n$/.exec(content)?.[1]
  if (before !== undefined) return before
  throw new HayaiError('CORRUPT', `${noteFile(live)} is damaged`, { hint: 'Delete the file.' })
}

function noteFile(live: Live): string {
  return join(live.placement.runDir, 'was-running.json')
}

function called({ placement }: Live): string {
  return JSON.stringify(placement.name)
}
