// Keys that came out of a snapshot go again, and those that they replaced come back. All are looked at before the first one goes; then
// a batch at a time is watched, looked at once more, and changed as one: a key that a client has written to meanwhile stays.

import { HayaiError } from '../../base/errors.ts'
import { changedSince } from '../../base/receipt.ts'
import type { TakingBack, Target, Transplanted } from '../engine.ts'
import { digestsOf } from './content.ts'
import { answers, isList } from './keys.ts'
import { dumps, inDb, restoring, type Dumped } from './pieces-dumps.ts'
import { batchesIn, type Entry } from './pieces-receipt.ts'
import { endpointOf, withSession, type Session } from './session.ts'

type Told = Pick<Transplanted, 'notes'>

export async function takeBack(from: Target | null, to: Target, back: TakingBack, signal: AbortSignal): Promise<Told> {
  return withSession(endpointOf(to), signal, (live) =>
    from === null ? give(live, undefined, back) : withSession(endpointOf(from), signal, (twin) => give(live, twin, back)),
  )
}

async function give(live: Session, twin: Session | undefined, { receipt, anyway }: TakingBack): Promise<Told> {
  if (!anyway) await refuseChanged(live, twin, receipt)
  let kept = 0
  for await (const batch of batchesIn(receipt)) {
    await select(batch, live, twin)
    const former = new Set<string>()
    if (twin !== undefined) {
      for await (const some of dumps(twin, batch.map(keyOf))) {
        for (const { key } of some) former.add(named(key))
        kept += await exchange(live, twin, { entries: batch, some, anyway })
      }
    }
    const rest = batch.filter(({ key }) => !former.has(named(key)))
    kept += await exchange(live, twin, { entries: rest, some: undefined, anyway })
  }
  return { notes: kept === 0 ? [] : [`${kept} of the keys were written to in the meantime, and stay as they are.`] }
}

const keyOf = ({ key }: Entry): Buffer => key
const named = (key: Buffer): string => key.toString('latin1')

async function select(batch: readonly Entry[], live: Session, twin: Session | undefined): Promise<void> {
  await inDb(batch[0]?.db ?? 0, live, ...(twin === undefined ? [] : [twin]))
}

async function refuseChanged(live: Session, twin: Session | undefined, receipt: string): Promise<void> {
  let [changed, total] = [0, 0]
  for await (const batch of batchesIn(receipt)) {
    await select(batch, live, twin)
    total += batch.length
    changed += (await standing(live, twin, batch)).filter((each) => each === 'written').length
  }
  if (changed > 0) throw changedSince(`${changed} of the ${total} keys ${changed === 1 ? 'was' : 'were'}`)
}

/** `ours`: as it was put in, or gone. `former`: as it was before already. `written`: neither. */
async function standing(
  live: Session,
  twin: Session | undefined,
  batch: readonly Entry[],
): Promise<readonly ('ours' | 'former' | 'written')[]> {
  const keys = batch.map(keyOf)
  const now = await digestsOf(live, keys)
  const then = twin === undefined ? [] : await digestsOf(twin, keys)
  return batch.map(({ digest }, at) => {
    if (now[at] === digest || now[at] === '') return 'ours'
    return now[at] === then[at] ? 'former' : 'written'
  })
}

interface Exchange {
  readonly entries: readonly Entry[]
  /** What comes in their place; undefined: nothing does. */
  readonly some: readonly Dumped[] | undefined
  readonly anyway: boolean
}

const TRIES = 20

/** How many stay as they are because clients have written to them. */
async function exchange(live: Session, twin: Session | undefined, { entries, some, anyway }: Exchange): Promise<number> {
  const coming = new Map(some?.map((each) => [named(each.key), each]))
  const mine = some === undefined ? entries : entries.filter(({ key }) => coming.has(named(key)))
  if (mine.length === 0) return 0
  for (let tries = 0; tries < TRIES; tries += 1) {
    await answers(live, [['WATCH', ...mine.map(keyOf)]])
    const found = await standing(live, twin, mine)
    const due = mine.filter((_, at) => anyway || found[at] === 'ours')
    const questions = due.map(({ key }) => {
      const former = coming.get(named(key))
      return former === undefined ? ['UNLINK', key] : restoring(former, true)
    })
    const replies = await answers(live, [['MULTI'], ...questions, ['EXEC']])
    const result = replies.at(-1)
    if (result === null) continue // somebody was quicker: it is looked at again
    const bad = isList(result) ? result.find((reply) => reply instanceof HayaiError) : result
    if (bad instanceof HayaiError) throw bad
    return anyway ? 0 : found.filter((each) => each === 'written').length
  }
  throw new HayaiError('LOCKED', 'clients write to these keys all the time', { hint: 'Stop them, and undo once more: nothing is lost.' })
}
