// Lines are chosen by their beginnings, wherever the text is cut into pieces.

import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { text, type Bytes } from '../../src/base/bytes.ts'
import { chosenLines } from '../../src/base/excerpt.ts'

async function* pieces(content: string, sizes: readonly number[]): Bytes {
  const bytes = Buffer.from(content)
  let at = 0
  for (const size of sizes) yield bytes.subarray(at, (at += size))
  yield bytes.subarray(at)
}

const odd = (head: string): boolean | string => (head.startsWith('+') ? '>\n' : head.startsWith('a'))

it('passes on what is chosen, and puts texts before it', async () => {
  const line = fc.oneof(
    fc.stringMatching(/^[ab+][a-z]{0,9}$/),
    fc.constantFrom('', 'a'.repeat(5000), `b${'x'.repeat(9000)}`, `+${'é'.repeat(4000)}`),
  )
  const sizes = fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 20 })
  const property = fc.asyncProperty(fc.array(line), sizes, fc.boolean(), async (lines, cuts, ended) => {
    const content = lines.join('\n') + (ended ? '\n' : '')
    const parts = content.split(/(?<=\n)/)
    const expected = parts.map((part) => (part.startsWith('+') ? `>\n${part}` : part.startsWith('a') ? part : '')).join('')
    expect(await text(chosenLines(pieces(content, cuts), odd))).toBe(expected)
  })
  await fc.assert(property, { numRuns: 300 })
})
