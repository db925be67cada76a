// What is typed, and what is understood.

import { describe, expect, it } from 'vitest'
import { asksForHelp, parse, type Grammar } from '../../src/cli/arguments.ts'
import { routeOf } from '../../src/cli/route.ts'
import { HayaiError } from '../../src/index.ts'

const grammar: Grammar = {
  name: 'pack',
  flags: {
    output: { kind: 'text', short: 'o', value: 'DIR', brief: '' },
    port: { kind: 'whole', short: 'p', value: 'PORT', brief: '' },
    compress: { kind: 'switch', short: 'c', brief: '' },
    yes: { kind: 'switch', short: 'y', brief: '' },
    tag: { kind: 'list', brief: '' },
    comment: { kind: 'text', brief: '', mayBeEmpty: true },
    format: { kind: 'text', brief: '', choices: ['sql', 'tar'] },
  },
  positionals: { name: { brief: 'what to pack' }, rest: { brief: 'more', many: true, optional: true } },
}

function thrownBy(work: () => unknown): HayaiError {
  try {
    work()
  } catch (error) {
    if (error instanceof HayaiError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const flagsOf = (...args: string[]) => parse(grammar, ['it', ...args]).flags
const argsOf = (...args: string[]) => parse(grammar, args).args

describe('flags', () => {
  it.each([
    [['-o', './x'], { output: './x' }],
    [['-o./x'], { output: './x' }],
    [['-o=./x'], { output: './x' }],
    [['--output', './x'], { output: './x' }],
    [['--output=./x'], { output: './x' }],
    [['--output==x'], { output: '=x' }],
    [['--output=-x'], { output: '-x' }],
    [['--output=--json'], { output: '--json', json: false }],
    [['-o', '-'], { output: '-' }],
    [['-o', 'a', '-o', 'b'], { output: 'b' }],
    [['-p5432'], { port: 5432 }],
    [['-p', '0'], { port: 0 }],
    [['-cy'], { compress: true, yes: true }],
    [['-cyp5432'], { compress: true, yes: true, port: 5432 }],
    [['--tag', 'a', '--tag=b'], { tag: ['a', 'b'] }],
    [['--comment', ''], { comment: '' }],
    [['--comment', '- a list'], { comment: '- a list' }],
    [['--comment', '-1'], { comment: '-1' }],
    [['--comment=--json'], { comment: '--json', json: false }],
    [['--format=sql'], { format: 'sql' }],
    [[], { output: undefined, compress: false, tag: [], json: false, help: false }],
  ])('%j', (args, expected) => {
    expect(flagsOf(...args)).toMatchObject(expected)
  })

  it.each([
    [['--outptu', 'x'], 'no option --outptu', 'Did you mean --output?'],
    [['-x'], 'no option -x', '--help'],
    [['--no-compress'], 'no option --no-compress', '--help'],
    [['--constructor'], 'no option --constructor', '--help'],
    [['--__proto__'], 'no option --__proto__', '--help'],
    [['-o'], '-o needs a value', 'Write -o DIR.'],
    [['--output='], '--output needs a value', 'Write --output DIR.'],
    [['--output', '--compress'], '--output needs a value', 'write --output=--compress'],
    [['-o', '-c'], '-o needs a value', 'write -o-c'],
    [['-p', 'abc'], '-p needs a whole number, not "abc"', 'Write -p PORT'],
    [['-p', '5432.0'], 'whole number', 'digits'],
    [['--port=-1'], 'whole number', 'digits'],
    [['--compress=gzip'], '--compress takes no value', 'alone'],
    [['--format', 'sqll'], '--format cannot be "sqll"', 'Did you mean "sql"? It can be: sql, tar.'],
  ])('%j is refused', (args, message, hint) => {
    const error = thrownBy(() => flagsOf(...args))
    expect(error).toMatchObject({ code: 'USAGE' })
    expect(error.message).toContain(message)
    expect(error.hint).toContain(hint)
  })

  it('help is asked for, whatever else is wrong', () => {
    expect(asksForHelp(grammar, ['--nonsense', '-h'])).toBe(true)
    expect(asksForHelp(grammar, ['--comment', '--help'])).toBe(false)
    expect(asksForHelp(grammar, ['--', '--help'])).toBe(false)
  })
})

describe('words', () => {
  it('are placed in their order, with flags anywhere between them', () => {
    expect(argsOf('-c', 'a', '-o', 'x', 'b', 'c')).toEqual({ name: 'a', rest: ['b', 'c'] })
    expect(argsOf('a')).toEqual({ name: 'a', rest: [] })
  })

  it('may begin with a dash behind --', () => {
    expect(argsOf('--', '-a', '--json')).toEqual({ name: '-a', rest: ['--json'] })
  })

  it('may not be missing, empty or too many', () => {
    expect(() => argsOf('-c')).toThrow('needs a NAME')
    expect(() => argsOf('')).toThrow('is empty')
    expect(() => parse({ ...grammar, positionals: { name: { brief: '' } } }, ['a', 'b'])).toThrow('"b" is one argument too many')
  })
})

describe('the way to a command', () => {
  it.each([
    ['snapshot', ['mydb'], 'snapshot', ['mydb']],
    ['snapshot', ['list'], 'snapshot list', []],
    ['snapshot', ['list', '-d', 'x'], 'snapshot list', ['-d', 'x']],
    ['snapshot', ['--json', 'list'], 'snapshot list', ['--json']],
    ['snapshot', ['verify', 'abc', '--latest'], 'snapshot verify', ['abc', '--latest']],
    ['snapshot', ['-o', 'list', 'mydb'], 'snapshot', ['-o', 'list', 'mydb']],
    ['snapshot', ['mydb', 'list'], 'snapshot', ['mydb', 'list']],
    ['snapshot', ['--', 'list'], 'snapshot', ['--', 'list']],
    ['snapshot', ['constructor'], 'snapshot', ['constructor']],
    ['list', ['list'], 'list', ['list']],
  ])('hayai %s %j is %s', async (name, args, command, rest) => {
    const route = await routeOf(name, args)
    expect(route.grammar.name).toBe(command)
    expect(route.args).toEqual(rest)
  })

  it.each(['snapsho', 'constructor', '__proto__', '', 'LIST'])('there is no command %j', async (name) => {
    await expect(routeOf(name, [])).rejects.toMatchObject({ code: 'USAGE' })
  })
})
