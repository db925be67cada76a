// hayai snapshot pin, unpin and tag: what people say of a snapshot.

import { HayaiError, type AnnotateAnswer } from '../../index.ts'
import { CHANGING } from '../arguments.ts'
import { command } from '../command.ts'
import type { Style } from '../output.ts'
import { place } from '../wording.ts'
import { REF, referenceOf, WHICH } from './references.ts'

export const snapshotPin = command({
  about: 'Pins a snapshot: `prune` keeps it whatever its rules say, and `delete` refuses it, until it is unpinned.',
  positionals: { ref: REF },
  flags: { ...WHICH, ...CHANGING },
  examples: { 'hayai snapshot pin 3f2a91c0': 'by id', 'hayai snapshot pin mydb --latest': 'the newest one of a database' },
  failures: ['NOT_FOUND', 'CONFLICT', 'STORE_FAILED'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const answer = await project.annotateSnapshot({ ...referenceOf(args.ref, flags), pinned: true, dryRun: flags['dry-run'] })
    return { data: answer, text: (style) => noteText(answer, 'pinned', style) }
  },
})

export const snapshotUnpin = command({
  about: 'Takes the pin off a snapshot: `prune` and `delete` treat it like any other again.',
  positionals: { ref: REF },
  flags: { ...WHICH, ...CHANGING },
  examples: { 'hayai snapshot unpin 3f2a91c0': 'by id' },
  failures: ['NOT_FOUND', 'CONFLICT', 'STORE_FAILED'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const answer = await project.annotateSnapshot({ ...referenceOf(args.ref, flags), pinned: false, dryRun: flags['dry-run'] })
    return { data: answer, text: (style) => noteText(answer, 'not pinned', style) }
  },
})

export const snapshotTag = command({
  about: 'Adds tags to a snapshot, or takes them off. Tags are words to find it by; they change nothing else.',
  positionals: { ref: REF, tags: { brief: 'the tags', many: true } },
  flags: { remove: { kind: 'switch', brief: 'Take these tags off' }, ...WHICH, ...CHANGING },
  examples: {
    'hayai snapshot tag 3f2a91c0 release v1.2': 'adds two',
    'hayai snapshot tag mydb --latest release --remove': 'takes one off',
  },
  failures: ['NOT_FOUND', 'CONFLICT', 'STORE_FAILED'],
  async run({ args, flags, session }) {
    if (args.tags.length === 0) {
      throw new HayaiError('USAGE', 'hayai snapshot tag needs at least one TAG', {
        hint: 'For example: hayai snapshot tag 3f2a91c0 release',
      })
    }
    const project = await session.open()
    const change = flags.remove ? { removeTags: args.tags } : { addTags: args.tags }
    const answer = await project.annotateSnapshot({ ...referenceOf(args.ref, flags), ...change, dryRun: flags['dry-run'] })
    const { tags } = answer.snapshot
    return {
      data: answer,
      text: (style) => noteText(answer, tags.length === 0 ? 'without tags' : tags.map((tag) => `#${tag}`).join(' '), style),
    }
  },
})

function noteText({ snapshot, changed, dryRun }: AnnotateAnswer, state: string, style: Style): string {
  const name = style.bold(place(snapshot.path))
  if (dryRun) return `${changed ? 'would be' : 'is already'} ${state}: ${name}\nNothing was changed.`
  return changed ? `${style.good('✓')} ${name}: ${state}` : `${name}: ${state} already`
}
