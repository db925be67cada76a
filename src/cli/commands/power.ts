// What start and stop have in common.

import type { DatabaseView } from '../../index.ts'
import type { Said } from '../command.ts'
import type { Style } from '../output.ts'
import { oneLine } from './views.ts'

export const NAMES = {
  name: { brief: 'The databases; all of the project when none is named', optional: true, many: true, proposes: 'databases' },
} as const

export function powerAnswer(views: readonly DatabaseView[], dryRun: boolean, verb: 'start' | 'stop'): Said {
  return {
    data: { databases: views, dryRun },
    text: (style: Style) => {
      if (views.length === 0) return 'There are no databases yet.\n  begin: hayai init -n mydb -e sqlite'
      if (!dryRun) return views.map((view) => `${style.good('✓')} ${oneLine(view, style)}`).join('\n')
      const idle = verb === 'start' ? 'running' : 'stopped'
      return views
        .map((view) => `${view.status === idle || view.status === 'file' ? 'nothing to do for' : `would ${verb}`} ${oneLine(view, style)}`)
        .join('\n')
    },
  }
}
