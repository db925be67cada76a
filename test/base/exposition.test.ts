// Prometheus' text format: what is written is what promtool reads, whatever stands in a label.

import { expect, it } from 'vitest'
import { exposition } from '../../src/base/exposition.ts'
import { flawsOf } from './promtool.ts'

it('escapes labels and help, and leaves out what has no sample', () => {
  const text = exposition([
    { name: 'hayai_a_bytes', help: 'A \\ and\na line.', samples: [{ labels: { root: '/a "b"\\c\nd', project: 'ünï' }, value: 1e21 }] },
    { name: 'hayai_none', help: 'None.', samples: [] },
    {
      name: 'hayai_levels',
      help: 'Levels.',
      samples: [Number.NaN, Infinity, -Infinity, -0.5].map((value, at) => ({ labels: { at: String(at) }, value })),
    },
  ])
  expect(text).toBe(
    [
      String.raw`# HELP hayai_a_bytes A \\ and\na line.`,
      '# TYPE hayai_a_bytes gauge',
      String.raw`hayai_a_bytes{root="/a \"b\"\\c\nd",project="ünï"} 1e+21`,
      '',
      '# HELP hayai_levels Levels.',
      '# TYPE hayai_levels gauge',
      'hayai_levels{at="0"} NaN',
      'hayai_levels{at="1"} +Inf',
      'hayai_levels{at="2"} -Inf',
      'hayai_levels{at="3"} -0.5',
      '',
    ].join('\n'),
  )
  expect(flawsOf(text)).toBe('')
})

it('refuses names that are none', () => {
  for (const name of ['1a', 'a-b', '']) expect(() => exposition([{ name, help: '', samples: [{ labels: {}, value: 1 }] }])).toThrow()
  expect(() => exposition([{ name: 'a', help: '', samples: [{ labels: { __x: '' }, value: 1 }] }])).toThrow()
})
