// hayai snapshot export and import: one file, for a colleague.

import { CHANGING } from '../arguments.ts'
import { command, given } from '../command.ts'
import { place, size } from '../wording.ts'
import { FOLDER, REF, referenceOf, snapshotLine, WHICH } from './references.ts'

export const snapshotExport = command({
  about:
    'Puts a snapshot and its manifest into one tar file, to be handed to somebody else, who imports it, or unpacks it with `tar -xf`. ' +
    'Its digest is checked on the way. A snapshot holds all the data of its database: give it only to those who may see it.',
  positionals: { ref: REF, file: { brief: 'the file to be made; it must not be there yet', proposes: 'files' } },
  flags: { ...WHICH, ...CHANGING },
  examples: {
    'hayai snapshot export mydb --latest ./mydb-for-ana.tar': 'the newest one',
    'hayai snapshot import ./mydb-for-ana.tar': 'what Ana types',
  },
  failures: ['NOT_FOUND', 'CONFLICT', 'CORRUPT', 'STORE_FAILED'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const answer = await project.exportSnapshot(
      { ...referenceOf(args.ref, flags), file: args.file, dryRun: flags['dry-run'] },
      session.watch,
    )
    const { snapshot, file, bytes, dryRun } = answer
    return {
      data: answer,
      text: (style) =>
        dryRun
          ? `would export ${snapshotLine(snapshot, style)} to ${place(file)}\nNothing was changed.`
          : `${style.good('✓')} exported ${style.bold(snapshot.database)} to ${place(file)} (${size(bytes)})\n  there: hayai snapshot import ${place(file)}`,
    }
  },
})

export const snapshotImport = command({
  about:
    'Takes a snapshot that was exported into this project. It is kept only if it is whole, to the last bit. The database need not ' +
    'exist here: `hayai restore` makes one when it is named with --to.',
  positionals: { file: { brief: 'what `hayai snapshot export` made', proposes: 'files' } },
  flags: { directory: { ...FOLDER.directory, brief: 'Into this folder; ./snapshots of the project when not given' }, ...CHANGING },
  examples: {
    'hayai snapshot import ./mydb-for-ana.tar': 'into ./snapshots',
    'hayai restore mydb --latest --to mydb': 'then, where there is no mydb yet',
  },
  failures: ['NOT_FOUND', 'CORRUPT', 'LOCKED', 'STORE_FAILED'],
  async run({ args, flags, session }) {
    const project = await session.open()
    const request = { file: args.file, ...given({ folder: flags.directory }), dryRun: flags['dry-run'] }
    const answer = await project.importSnapshot(request, session.watch)
    const { snapshot, imported, dryRun } = answer
    return {
      data: answer,
      text: (style) => {
        const line = snapshotLine(snapshot, style)
        if (!imported) return `It is here already: ${line}`
        if (dryRun) return `would import ${line}\nNothing was changed.`
        return `${style.good('✓')} imported ${line}\n  restore: hayai restore ${snapshot.id.slice(0, 8)} --to ${snapshot.database}`
      },
    }
  },
})
