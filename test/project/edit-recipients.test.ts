// One more recipient in `.hayaidb`: the lines that are there stay as they are, however they are written.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { addRecipient } from '../../src/project/edit-recipients.ts'

const ONE = `age1${'q'.repeat(58)}`
const TWO = `age1${'p'.repeat(58)}`

const cases: readonly [string, string, string][] = [
  ['an empty text', '', `global:\n  backup:\n    recipients:\n      - ${ONE}\n`],
  ['no global', 'version: "1.0" # one\n', `version: "1.0" # one\nglobal:\n  backup:\n    recipients:\n      - ${ONE}\n`],
  ['no end of line', 'version: "1.0"', `version: "1.0"\nglobal:\n  backup:\n    recipients:\n      - ${ONE}`],
  [
    'a backup in lines',
    'global:\n  backup:\n    encryption: true # always\n  # of security\n  security:\n    enable_ssl: false\n',
    `global:\n  backup:\n    encryption: true # always\n    recipients:\n      - ${ONE}\n  # of security\n  security:\n    enable_ssl: false\n`,
  ],
  ['a backup in braces', 'global:\n  backup: {encryption: true}\n', `global:\n  backup: {encryption: true, recipients: [ ${ONE} ]}\n`],
  [
    'a list in lines',
    `global:\n  backup:\n    recipients:\n      - ${TWO} # ours\n    enabled: true\n`,
    `global:\n  backup:\n    recipients:\n      - ${TWO} # ours\n      - ${ONE}\n    enabled: true\n`,
  ],
  [
    'a list as deep as its key',
    `global:\n  backup:\n    recipients:\n    - ${TWO}\n`,
    `global:\n  backup:\n    recipients:\n    - ${TWO}\n    - ${ONE}\n`,
  ],
  [
    'a list in brackets',
    `global:\n  backup:\n    recipients: ["${TWO}"] # ours\n`,
    `global:\n  backup:\n    recipients: ["${TWO}", "${ONE}"] # ours\n`,
  ],
  ['an empty list', 'global:\n  backup:\n    recipients: []\n', `global:\n  backup:\n    recipients: ["${ONE}"]\n`],
]

describe('addRecipient', () => {
  it.each(cases)('to %s', (_, before, after) => {
    expect(addRecipient(before, ONE)).toBe(after)
  })

  it('that is there already changes nothing', () => {
    for (const [, , after] of cases) expect(addRecipient(after, ONE)).toBe(after)
  })

  it('refuses what would change other lines, and says what to write', () => {
    for (const text of ['global: ~\n', 'global:\n  backup: none\n']) {
      expect(() => addRecipient(text, ONE)).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
    }
  })

  it('leaves every line there was, whatever they are, and comments among them', () => {
    const line = fc.constantFrom('# a comment', '', 'databases:\n  a: {engine: redis}  # odd', 'project:   shop')
    fc.assert(
      fc.property(fc.uniqueArray(line), (lines) => {
        const text = lines.map((each) => `${each}\n`).join('')
        const result = addRecipient(addRecipient(text, ONE), TWO)
        const ours = (each: string): boolean => each !== '' && !/^(global:| +backup:| +recipients:| +- age1)/.test(each)
        expect(result.split('\n').filter(ours)).toEqual(text.split('\n').filter(ours))
        expect(parse(result)).toMatchObject({ global: { backup: { recipients: [ONE, TWO] } } })
      }),
    )
  })
})
