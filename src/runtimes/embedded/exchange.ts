// Making another generation live: its content goes into the live file, and what that file held becomes a kept generation.
//
// The moment at which it happens is the engine's own (FileRecipe.exchange): a transaction, a rename. What comes in bears a mark; so
// whoever comes after a crash asks the live file, and not a note, whether it has happened: marked, then it is finished here,
// not marked, then it is taken back. The journal tells only which exchange it was.

import { randomBytes } from 'node:crypto'
import { rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { HayaiError, isCode } from '../../base/errors.ts'
import { exists, makeFolder, sweepPartials } from '../../base/files.ts'
import { dropped, grown, nextName, readLedger, switched, writeLedger, type Ledger } from '../generations.ts'
import { deleteUnfinished, markUnfinished, namesIn } from './folders.ts'
import { called, generationFile, generationFolder, liveFile, liveIsThere, type Home } from './home.ts'
import { readJournal, removeJournal, writeJournal, type Journal } from './journal.ts'
import { moveBack, place } from './place.ts'

/** `origin` tells where a new generation comes from; null: a kept one returns. On failure all is as before. */
export async function exchange(home: Home, ledger: Ledger, to: string, origin: string | null): Promise<void> {
  const incoming = generationFile(home, to)
  if (!(await exists(incoming))) {
    throw new HayaiError('NOT_FOUND', `the data of the generation ${to} of ${called(home)} is gone: there is no ${incoming}`, {
      hint: 'Restore a snapshot instead.',
    })
  }
  const journal: Journal = {
    from: ledger.live,
    to,
    origin,
    mark: `hayai_exchange_${randomBytes(8).toString('hex')}`,
    at: new Date().toISOString(),
  }
  await makeFolder(generationFolder(home, journal.from))
  await writeJournal(home, journal)
  home.at('announced')
  let begun = false
  const ready = async (): Promise<void> => {
    home.at('ready')
    begun = true
  }
  try {
    await exchangeContent(home, journal, ready)
  } catch (error) {
    if (!begun) await takeBack(home, journal, ledger)
    else if (await settle(home, journal)) return
    throw error
  }
  home.at('exchanged')
  await finish(home, journal)
}

async function exchangeContent(home: Home, { from, to, mark }: Journal, ready: () => Promise<void>): Promise<void> {
  const { recipe, patience } = home
  const [incoming, outgoing] = [generationFile(home, to), generationFile(home, from)]
  const live = await liveFile(home)
  const look = await recipe.exchange({ live, incoming, outgoing, mark, patience, ready })
  if (look.state !== 'sound') await place(home, { live, incoming, outgoing, look, ready })
}

/** After a crash: finishes the exchange that was under way, or takes it back. */
export async function resumeExchange(home: Home): Promise<void> {
  const journal = await readJournal(home)
  if (journal !== undefined) await settle(home, journal)
}

/** True when the exchange has happened; it is finished then, else taken back. */
async function settle(home: Home, journal: Journal): Promise<boolean> {
  const ledger = await readLedger(home.placement.dataDir)
  const happened = ledger?.live === journal.to || (await home.recipe.bears(await liveFile(home), journal.mark))
  await (happened ? finish(home, journal) : takeBack(home, journal, ledger))
  return happened
}

async function finish(home: Home, journal: Journal): Promise<void> {
  const { dataDir } = home.placement
  const ledger = await readLedger(dataDir)
  if (ledger !== undefined && ledger.live !== journal.to) {
    await writeLedger(dataDir, await advanced(home, ledger, journal))
    home.at('recorded')
  }
  try {
    await home.recipe.unmark(await liveFile(home), journal.mark)
  } catch (error) {
    if (isCode(error, 'LOCKED')) return // the journal stays: the next command tries again
    throw error
  }
  home.at('unmarked')
  if ((await readLedger(dataDir))?.entries[journal.from] === undefined) await deleteUnfinished(home, journal.from)
  await rm(generationFolder(home, journal.to), { recursive: true, force: true })
  home.at('cleared')
  await removeJournal(home)
}

async function advanced(home: Home, ledger: Ledger, { from, to, origin, at }: Journal): Promise<Ledger> {
  const moment = new Date(at)
  const next = origin === null ? switched(ledger, to, moment) : grown(ledger, to, { origin, version: null, at: moment })
  // A live file that somebody had deleted leaves nothing to go back to.
  return (await exists(generationFile(home, from))) ? next : dropped(next, from)
}

async function takeBack(home: Home, journal: Journal, ledger: Ledger | undefined): Promise<void> {
  const live = await liveFile(home)
  const [incoming, outgoing] = [generationFile(home, journal.to), generationFile(home, journal.from)]
  // One file by two names is still in its place, but what belongs to it may have been moved.
  if (!(await liveIsThere(home)) || (await isOneFile(outgoing, live))) await moveBack(home, outgoing, live)
  else if (ledger !== undefined && (await exists(outgoing)) && (await home.recipe.look(live)).state === 'damaged') {
    await keepApart(home, ledger, journal)
  }
  // A twin is thrown away as it is; a kept generation shall be as it was.
  const kept = ledger?.entries[journal.to] !== undefined
  if (kept && (await home.recipe.bears(incoming, journal.mark))) await home.recipe.unmark(incoming, journal.mark)
  await rm(generationFolder(home, journal.from), { recursive: true, force: true })
  await sweepPartials(dirname(live))
  await removeJournal(home)
}

async function isOneFile(a: string, b: string): Promise<boolean> {
  if (!(await exists(a))) return false
  const [one, other] = [await stat(a, { bigint: true }), await stat(b, { bigint: true })]
  return one.dev === other.dev && one.ino === other.ino
}

// Something else has damaged the live file since: then the copy that was taken of it is worth more than the order of things.
async function keepApart(home: Home, ledger: Ledger, { from, at }: Journal): Promise<void> {
  const { dataDir } = home.placement
  const name = nextName(ledger, await namesIn(dataDir))
  await markUnfinished(home, name)
  await moveBack(home, generationFile(home, from), generationFile(home, name))
  const entry = { made: at, origin: 'saved from an exchange that was cut short', retired: new Date().toISOString(), version: null }
  await writeLedger(dataDir, {
    ...ledger,
    entries: { ...ledger.entries, [name]: entry },
    given: Math.max(ledger.given, Number(name.slice(1))),
  })
}

/** Deletes a kept generation for good. */
export async function dropGeneration(home: Home, ledger: Ledger, name: string): Promise<void> {
  const next = dropped(ledger, name)
  await markUnfinished(home, name)
  home.at('drop announced')
  await writeLedger(home.placement.dataDir, next)
  home.at('dropped')
  await deleteUnfinished(home, name)
}
