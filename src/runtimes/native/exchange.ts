// Making another generation live. The ledger's replacement is the one moment at which it happens; a running server is
// stopped just before and started just after, and a note in <runDir> says so to whoever comes after a crash. At every point
// either the generation before is live or the next one, and a database that was running can be made to run again.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HayaiError, isCode, messageOf, type Code } from '../../base/errors.ts'
import { freeBytes, makeFolder, readIfThere, writeDurably } from '../../base/files.ts'
import { dropped, readLedger, switched, writeLedger, type Ledger } from '../generations.ts'
import { isUnfinished } from './folders.ts'
import { called, type Home } from './home.ts'
import { liveServing, startLive, stopLive } from './live.ts'

/** What a server needs to start: below this it is not stopped, for it might not come back. */
const BREATH = 16 * 1024 * 1024

/** On failure the ledger is as it was before, and a database that was running is running. */
export async function exchange(home: Home, before: Ledger | undefined, next: Ledger): Promise<void> {
  if (before === undefined || (await liveServing(home)) === undefined) {
    await writeLedger(home.placement.dataDir, next)
    home.at('switched')
    return
  }
  await refuseWithoutBreath(home)
  await announce(home, before.live)
  home.at('switch announced')
  try {
    await stopLive(home)
    home.at('live stopped')
    await writeLedger(home.placement.dataDir, next)
    home.at('switched')
    await startLive(home, next, unhurried())
    home.at('live started')
  } catch (error) {
    await takeBack(home, before, error)
    throw error
  }
  await rm(noteFile(home), { force: true })
}

async function takeBack(home: Home, before: Ledger, reason: unknown): Promise<void> {
  try {
    const { dataDir } = home.placement
    if ((await readLedger(dataDir))?.live !== before.live) await writeLedger(dataDir, before)
    await startLive(home, before, unhurried())
    await rm(noteFile(home), { force: true })
  } catch (error) {
    throw failure(error, `${messageOf(reason)}; and the data before it, which is live again, does not start: ${messageOf(error)}`, home)
  }
}

/** After a crash: finishes a switch that had begun, or takes it back when what it leads to does not start. */
export async function resumeExchange(home: Home): Promise<void> {
  const { dataDir } = home.placement
  const before = await announced(home)
  if (before === undefined) return
  const ledger = await readLedger(dataDir)
  try {
    if (ledger === undefined) return
    await startLive(home, ledger, unhurried())
    home.at('live started')
  } catch (error) {
    const returns = ledger !== undefined && ledger.live !== before && ledger.entries[before] !== undefined
    // A taken port or a missing program says nothing of the data: then going back would not help either.
    if (!returns || !isCode(error, 'TOOL_FAILED')) {
      throw failure(error, `${called(home)} was running when a command was killed, and does not start again: ${messageOf(error)}`, home)
    }
    await goBack(home, ledger, before)
    throw failure(
      error,
      `a switch of ${called(home)} to ${ledger.live} was cut short, and taken back to ${before}: ${messageOf(error)}`,
      home,
    )
  } finally {
    await rm(noteFile(home), { force: true }) // tried once: a database that does not start must not stop every command
  }
}

async function goBack(home: Home, ledger: Ledger, before: string): Promise<void> {
  const back = switched(ledger, before, new Date())
  // A restored generation that never ran is none; one that ran before is kept.
  await writeLedger(home.placement.dataDir, (await isUnfinished(home, ledger.live)) ? dropped(back, ledger.live) : back)
  await startLive(home, back, unhurried())
}

async function refuseWithoutBreath(home: Home): Promise<void> {
  const free = await freeBytes(home.placement.dataDir)
  if (free >= BREATH) return
  throw new HayaiError(
    'STORE_FAILED',
    `only ${free} bytes are left beside the data of ${called(home)}: too little to start a server again`,
    {
      hint: 'Make room on that disk, and try again. Nothing was changed.',
      details: { free, needed: BREATH },
    },
  )
}

function failure(error: unknown, message: string, home: Home): HayaiError {
  const known = error instanceof HayaiError ? error : undefined
  const code: Code = known?.code ?? 'UNEXPECTED'
  return new HayaiError(code, message, {
    hint: known?.hint ?? `Run \`hayai start ${home.placement.name}\`.`,
    cause: error,
    ...(known?.details === undefined ? {} : { details: known.details }),
  })
}

/** A switch that has begun is not interrupted: it takes seconds, and half of it is worse than either end. */
function unhurried(): AbortSignal {
  return new AbortController().signal
}

async function announce(home: Home, before: string): Promise<void> {
  await makeFolder(home.placement.runDir)
  await writeDurably(noteFile(home), `${JSON.stringify({ before })}\n`)
}

async function announced(home: Home): Promise<string | undefined> {
  const content = await readIfThere(noteFile(home))
  if (content === undefined) return undefined
  const before = /^\{"before":"(g\d{4,})"\}\n$/.exec(content)?.[1]
  if (before !== undefined) return before
  throw new HayaiError('CORRUPT', `${noteFile(home)} is damaged`, { hint: 'Delete the file.' })
}

function noteFile(home: Home): string {
  return join(home.placement.runDir, 'was-running.json')
}
