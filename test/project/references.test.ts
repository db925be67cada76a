// What in a value of `environment:` stands for something else.

import { describe, expect, test } from 'vitest'
import { filled, isReference, secretIn } from '../../src/project/references.ts'

const environment = { NAME: 'shop', EMPTY: '', ODD: '${NAME}' }

describe('variables', () => {
  test.each([
    ['${NAME}', 'shop', []],
    ['a-${NAME}-${NAME}', 'a-shop-shop', []],
    ['${NONE}', '${NONE}', ['NONE']],
    ['${NONE:-else}', 'else', []],
    ['${EMPTY:-else}', 'else', []],
    ['${EMPTY}', '', []],
    ['$${NAME}', '${NAME}', []],
    ['${ODD}', '${NAME}', []], // what came in is not looked into again
    ['$NAME {NAME} $', '$NAME {NAME} $', []],
  ])('%s', (value, text, missing) => {
    expect(filled(value, environment)).toEqual({ text, missing })
  })
})

test.each([
  ['secret:db', true, 'db'],
  ['secret:', true, ''],
  ['my secret: x', false, undefined],
  ['${A}', true, undefined],
  ['pa$$word', false, undefined],
] as const)('%s', (value, reference, name) => {
  expect(isReference(value)).toBe(reference)
  expect(secretIn(value)).toBe(name)
})
