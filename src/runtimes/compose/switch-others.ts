// Other data for a container that others made. It is not made anew: it is stopped, its data is exchanged in its own volume by renames,
// and it is started again. What comes is copied beside the data before, while the server runs, and what goes is copied away after, into
// a volume of the generation that it becomes. Before the first rename all can be forgotten; after it all can be finished, and is taken
// back only if the server does not start on it.

import { rm } from 'node:fs/promises'
import { HayaiError, isCode, messageOf } from '../../base/errors.ts'
import { makeFolder } from '../../base/files.ts'
import { readLedger, writeLedger, type Ledger } from '../generations.ts'
import { called, generationFolder, type Home } from './home.ts'
import { see } from './inspect.ts'
import { choosePlace, deletePlace, makeVolume, placeIn, placeOf, type VolumePlace } from './place.ts'
import { projectOf } from './project.ts'
import { endErrands, errand, type Held } from './errands.ts'
import { readJournal, removeJournal, writeJournal, type Journal } from './switch-journal.ts'
import { CLEAR, EXCHANGE, KEEP, KEPT, LAY, LOOK, MEASURE, NOT_RENAMED, RETURN } from './switch-scripts.ts'

/** A container that others made, as it is stopped and started for a switch. */
export interface Others {
  readonly home: Home
  readonly container: string
  /** Returns when the server has written all that it holds, and has ended. */
  stop(): Promise<void>
  /** Returns when it answers. */
  start(): Promise<void>
  /** Tables that there are now. */
  tables(): Promise<ReadonlySet<string>>
}

export interface Change {
  readonly before: Ledger
  readonly next: Ledger
  readonly held: Held
  readonly named: readonly string[]
  /** It comes from a twin, which has its data where Hayai has it; else it was the data of this container before. */
  readonly fresh: boolean
}

/** On failure the container runs with what it had before. */
export async function switchContent(others: Others, change: Change): Promise<void> {
  const { home } = others
  const { before, next, held, named, fresh } = change
  const journal: Journal = { before, next, held, named, back: false }
  const { volume } = await placeOf(home, next.live)
  await refuseWithoutRoom(others, change, volume)
  await writeJournal(home, journal)
  home.at('switch announced')
  try {
    await errand(home, held, LAY, [KEPT, ...(fresh ? layingOf(held) : [])], volume)
    home.at('incoming laid')
    await others.stop()
    home.at('live stopped')
    await exchange(others, journal)
  } catch (error) {
    await takeBack(others, journal, error)
    throw error
  }
  await keep(others, journal)
}

function layingOf({ keeping: { moves, texts } }: Held): readonly string[] {
  if (moves === null) return []
  return [
    ...Object.entries(moves).flatMap(([from, to]) => ['move', from, to]),
    ...Object.entries(texts).flatMap(([path, content]) => ['text', content, path]),
  ]
}

/** Begins with a container at rest. Returns when it runs with what has come. */
async function exchange(others: Others, { next, held, named }: Journal): Promise<void> {
  const { home, container } = others
  try {
    await errand(home, held, EXCHANGE)
  } catch (error) {
    if (!isCode(error, 'TOOL_FAILED') || error.details?.['exit'] !== NOT_RENAMED) throw error
    throw new HayaiError('WRONG_STATE', `the data of ${called(home)} is on more than one file system, and cannot be exchanged by renames`, {
      hint: 'Restore into a database beside it: --to NAME.',
      cause: error,
    })
  }
  home.at('exchanged')
  await writeLedger(home.placement.dataDir, next)
  home.at('switched')
  await others.start()
  await refuseWithoutTables(others, named, container)
  home.at('live started')
}

/** Others write to it already, so rows are not compared: those of the twin were. */
async function refuseWithoutTables(others: Others, named: readonly string[], container: string): Promise<void> {
  if (named.length === 0) return
  const found = await others.tables()
  if (named.some((name) => found.has(name))) return
  throw new HayaiError('TOOL_FAILED', `the server in the container ${container} runs, and has nothing of what was restored`, {
    hint: 'It seems to read its data elsewhere than it says. What was there before is in its place again.',
  })
}

async function takeBack(others: Others, journal: Journal, reason: unknown): Promise<void> {
  const { home, container } = others
  try {
    await goBack(others, journal)
  } catch (error) {
    const known = error instanceof HayaiError ? error : undefined
    const message = `${messageOf(reason)}; and the container ${container} does not start again: ${messageOf(error)}`
    throw new HayaiError(known?.code ?? 'UNEXPECTED', message, { hint: known?.hint ?? `docker logs ${container}`, cause: error })
  }
  home.at('switch done')
}

async function goBack(others: Others, journal: Journal): Promise<void> {
  const { home } = others
  const { held, before } = journal
  await writeJournal(home, { ...journal, back: true })
  home.at('back announced')
  if ((await errand(home, held, LOOK)) !== 'none') {
    await others.stop()
    await errand(home, held, RETURN)
  }
  await errand(home, held, CLEAR)
  if ((await readLedger(home.placement.dataDir))?.live !== before.live) await writeLedger(home.placement.dataDir, before)
  try {
    await others.start()
  } finally {
    await removeJournal(home) // tried once: a container that does not start must not stop every command
  }
}

/** What the container had before becomes a generation like all that are kept. It runs meanwhile. */
async function keep(others: Others, { before, next, held }: Journal): Promise<void> {
  const { home } = others
  const { volume } = await placeFor(home, before.live, held)
  await errand(home, held, KEEP, [KEPT], volume)
  home.at('outgoing kept')
  await errand(home, held, CLEAR)
  await forgetPlace(home, next.live)
  await removeJournal(home)
}

async function placeFor(home: Home, generation: string, { image }: Held): Promise<VolumePlace> {
  const folder = generationFolder(home, generation)
  await makeFolder(folder)
  const project = await projectOf(home)
  const place = (await placeIn(folder)) ?? (await choosePlace(home, project, generation, { name: image, digest: null }, false))
  await makeVolume(home, project, generation, place)
  return place
}

/** What is live is in the container's own volume. */
export async function forgetPlace(home: Home, generation: string): Promise<void> {
  const folder = generationFolder(home, generation)
  await deletePlace(folder)
  await rm(folder, { recursive: true, force: true })
}

/** After a crash: finishes what had begun, or forgets it. */
export async function resumeSwitch(others: Others): Promise<void> {
  const { home, container } = others
  const journal = await readJournal(home)
  if (journal === undefined) return
  await endErrands(home)
  const { held, next } = journal
  const isRecorded = (await readLedger(home.placement.dataDir))?.live === next.live
  if (journal.back || (!isRecorded && (await errand(home, held, LOOK)) === 'none')) return goBack(others, journal)
  try {
    if (isRecorded) {
      await others.start()
    } else {
      await others.stop()
      await exchange(others, journal)
    }
  } catch (error) {
    if (!isCode(error, 'TOOL_FAILED') || (await see(container)) === undefined) throw error
    await goBack(others, journal)
    throw new HayaiError(
      error.code,
      `a switch of ${called(home)} to ${next.live} was cut short, and taken back to ${journal.before.live}: ${messageOf(error)}`,
      { cause: error, hint: `docker logs ${container}` },
    )
  }
  await keep(others, journal)
}

/** What a server needs to start: below this it is not stopped, for it might not come back. Kilobytes. */
const BREATH = 16 * 1024

async function refuseWithoutRoom({ home, container }: Others, { held, fresh }: Change, volume: string): Promise<void> {
  const { heart, moves, folder } = held.keeping
  const wanted = fresh && moves !== null ? (Object.keys(moves)[0] ?? heart) : heart
  const said = (await errand(home, held, MEASURE, [KEPT, wanted], volume)).split('\n')
  if (said[0] === 'gone') {
    throw new HayaiError('WRONG_STATE', `the data of ${called(home)} is not in ${folder} of its volume, though its server says so`, {
      hint: 'Restore into a database beside it: --to NAME.',
    })
  }
  const [incoming = 0, live = 0, free = 0, freeKept = 0] = said.map(Number)
  if (said[5] !== 'has') {
    throw new HayaiError('WRONG_STATE', `what is kept of ${called(home)} has no ${heart}, which the container ${container} reads now`, {
      hint: 'Its settings are others than when that was its data. Set them as they were, then try again.',
    })
  }
  if (said[6] === 'memory' && held.mount.kind === 'volume') {
    throw new HayaiError(
      'WRONG_STATE',
      `the data of ${called(home)} is in memory alone, and gone when the container ${container} is stopped`,
      {
        hint: 'Restore into a database beside it: --to NAME.',
      },
    )
  }
  const isOneDisk = said[4] === 'same'
  const needed = incoming + BREATH + (isOneDisk ? live : 0)
  if (free >= needed && (isOneDisk || freeKept >= live + BREATH)) return
  const shown = (kilobytes: number): string => `${(kilobytes / 1024).toFixed(1)} MiB`
  throw new HayaiError(
    'STORE_FAILED',
    free < needed
      ? `${shown(needed)} are needed where the container ${container} has its data, and ${shown(free)} are free`
      : `${shown(live + BREATH)} are needed to keep what ${called(home)} has now, and ${shown(freeKept)} are free`,
    { hint: 'Make room on that disk, and try again. Nothing was changed.', details: { needed, free, freeKept } },
  )
}
