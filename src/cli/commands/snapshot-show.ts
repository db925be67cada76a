// hayai snapshot show

import { countedBy, type Manifest, type SnapshotView } from '../../index.ts'
import { command } from '../command.ts'
import type { Style } from '../output.ts'
import { age, contents, count, moment, pairs, place, size, table } from '../wording.ts'
import { REF, referenceOf, WHICH } from './references.ts'

export const snapshotShow = command({
  about:
    'Shows everything that is known of one snapshot: what it is of, how it was made, what was counted in it, whether it was ever ' +
    'verified, and the lines that restore it without Hayai.',
  positionals: { ref: REF },
  flags: WHICH,
  examples: {
    'hayai snapshot show 3f2a91c0': 'by id',
    'hayai snapshot show mydb --latest': 'the newest one of a database',
    "hayai snapshot show mydb --latest --json | jq '.data.manifest.census'": 'for scripts',
  },
  failures: ['NOT_FOUND', 'CONFLICT', 'CORRUPT', 'STORE_FAILED'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const view = await project.showSnapshot(referenceOf(args.ref, flags))
    return { data: view, text: (style) => (view.manifest === null ? foreignText(view, style) : showText(view, view.manifest, style)) }
  },
})

function foreignText({ path, bytes, created }: SnapshotView, style: Style): string {
  const facts = pairs(
    [
      ['file', place(path)],
      ['size', size(bytes)],
      ['changed', `${moment(created)}, ${age(created)}`],
    ],
    style,
  )
  return `${facts}\nIt has no manifest: nothing else is known of it. It can be restored when --engine is named.`
}

function showText(view: SnapshotView, manifest: Manifest, style: Style): string {
  const { census, notes, byHand } = manifest
  const { what, of } = countedBy(manifest.engine)
  const parts = [pairs(factsOf(view, manifest), style)]
  if (notes.length > 0) parts.push([style.bold('notes'), ...notes.map((note) => `  ${note}`)].join('\n'))
  parts.push(`${style.bold('contents')}: ${contents(census, manifest.engine)}`)
  const rows = Object.entries(census.tables).map(([name, number]) => [`  ${name}`, number.toLocaleString('en')])
  if (rows.length > 0) parts.push(table([`  ${of.toUpperCase()}`, `${what.toUpperCase()}S`], rows, style))
  const others = Object.entries(census.objects).filter(([, number]) => number > 0)
  if (others.length > 0) parts.push(others.map(([name, number]) => `  ${number.toLocaleString('en')} ${name}`).join('\n'))
  parts.push([style.bold('by hand, without Hayai'), ...byHand.map((line) => `  ${line}`)].join('\n'))
  return parts.join('\n')
}

function factsOf(view: SnapshotView, manifest: Manifest): readonly (readonly [string, string])[] {
  const { git, image, tools, verification } = manifest
  return [
    ['id', manifest.id],
    ['database', `${manifest.database} of the project ${manifest.project}`],
    ['made by', `${manifest.product} ${manifest.version} (${manifest.engine}, ${manifest.runtime})`],
    ...(image === undefined
      ? []
      : [['image', image.digest === null || image.name.endsWith(image.digest) ? image.name : `${image.name}, ${image.digest}`] as const]),
    ['moment', `${manifest.instant.slice(0, 19).replace('T', ' ')} UTC, ${age(manifest.instant)}`],
    ['file', `${place(view.path)}, format ${manifest.format}`],
    ...manifest.files.flatMap(({ codec, plain, stored }) => [
      ['size', codec === 'none' ? size(stored.bytes) : `${size(stored.bytes)} (${codec}), ${size(plain.bytes)} unpacked`] as const,
      ['SHA-256', stored.sha256] as const,
    ]),
    [
      'verified',
      verification === null ? 'never' : `${verification.ok ? 'yes' : 'FAILED'}, ${age(verification.at)}: ${verification.detail}`,
    ],
    ['pinned', manifest.pinned ? 'yes' : 'no'],
    ...(manifest.tags.length === 0 ? [] : [['tags', manifest.tags.map((tag) => `#${tag}`).join(' ')] as const]),
    ...(view.comment === null ? [] : [['comment', view.comment] as const]),
    ['asked by', manifest.askedBy],
    ...(git === null ? [] : [['git', `${git.commit.slice(0, 12)}${git.branch === null ? '' : ` on ${git.branch}`}`] as const]),
    ...(Object.keys(tools).length === 0
      ? []
      : [
          [
            'tools',
            Object.entries(tools)
              .map(([name, version]) => `${name} ${version}`)
              .join(', '),
          ] as const,
        ]),
    ...(manifest.files.length > 1 ? [['files', count(manifest.files.length, 'file')] as const] : []),
  ]
}
