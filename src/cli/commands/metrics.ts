// hayai metrics

import { command, given } from '../command.ts'
import { place } from '../wording.ts'

export const metrics = command({
  about:
    'Prints what is known of copies and plans in the text format of Prometheus: of each database the moment, age, size, duration and ' +
    'verdict of its newest whole copy, by itself and in a backup; of each plan whether its last run succeeded, when, how long it took, ' +
    'and when it comes next. With -o it replaces a file as a whole, for the textfile collector of node_exporter; ' +
    'global.backup.metrics in .hayaidb does so after each run of a plan.',
  positionals: {},
  flags: {
    output: { kind: 'text', short: 'o', value: 'FILE', brief: 'Write them into this file', proposes: 'files' },
    'dry-run': { kind: 'switch', brief: 'Write nothing' },
  },
  examples: {
    'hayai metrics': 'the metrics',
    'hayai metrics -o /var/lib/prometheus/node-exporter/shop.prom': 'for node_exporter, from cron',
  },
  failures: ['NOT_FOUND', 'CONFIG_INVALID', 'STORE_FAILED'],
  async run({ flags, session }) {
    const project = await session.open()
    const answer = await project.metrics(given({ output: flags.output, dryRun: flags['dry-run'] }))
    const { text, file, dryRun } = answer
    if (file === null) return { data: answer, text: () => text.trimEnd() }
    return { data: answer, text: () => `${dryRun ? 'would write' : 'wrote'} ${place(file)}` }
  },
})
