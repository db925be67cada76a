import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { addDatabase, declarationOf, removeDatabase, setValue } from '../../src/project/edit.ts'
import { containing } from './folder.ts'

type Declared = Readonly<Record<string, unknown>> & { readonly databases?: Readonly<Record<string, unknown>> | null }
const parse = (text: string): Declared => parseYaml(text) as Declared // for comparisons only
const entry = { engine: 'sqlite', file: './x.db', version: '15' }
const block = (indent: number, step = 2, name = 'new') =>
  [`${name}:`, ...['engine: sqlite', 'file: ./x.db', 'version: "15"'].map((line) => ' '.repeat(step) + line)]
    .map((line) => `${' '.repeat(indent)}${line}\n`)
    .join('')

const SPACED = `# Our databases.
version: "1.0"
project:   my-app   # odd spacing stays

databases:

  # The main one.
  main:   # keep me
    engine:    'postgresql'
    environment:
      A: "on"      # a value
      B: |
        two

        lines
    # still of main

  # The cache.
  cache:
    engine: redis
  # Commented out:
  # old:
  #   engine: mysql

# Everything else.
global:
    backup: {enabled: true}
`

describe('addDatabase', () => {
  const cases: readonly [string, string, string][] = [
    ['an empty text', '', `version: "1.0"\ndatabases:\n${block(2)}`],
    ['comments only', '# ours\n', `# ours\ndatabases:\n${block(2)}`],
    ['comments only, without an end of line', '# ours', `# ours\ndatabases:\n${block(2).trimEnd()}`],
    ['no databases', 'project: x\n', `project: x\ndatabases:\n${block(2)}`],
    ['no databases, comments behind', 'project: x\n# end\n', `project: x\n# end\ndatabases:\n${block(2)}`],
    ['databases with nothing', 'databases:\nproject: x\n', `databases:\n${block(2)}project: x\n`],
    ['databases with a comment', 'databases: # none\n  # yet\n\nproject: x\n', `databases: # none\n  # yet\n${block(2)}\nproject: x\n`],
    ['databases: null', 'databases: null # none\n', `databases: # none\n${block(2)}`],
    ['databases: ~', 'databases: ~', `databases:\n${block(2).trimEnd()}`],
    ['databases: {}', 'databases: {}\nproject: x\n', `databases:\n${block(2)}project: x\n`],
    ['databases: {} with a comment', 'databases: {} # none\n', `databases: # none\n${block(2)}`],
    ['one database', 'databases:\n  a: {engine: redis}\nproject: x\n', `databases:\n  a: {engine: redis}\n${block(2)}project: x\n`],
    ['wide indentation', 'databases:\n    a:\n        engine: redis\n', `databases:\n    a:\n        engine: redis\n${block(4, 4)}`],
    ['narrow indentation', 'databases:\n a:\n  engine: redis\n', `databases:\n a:\n  engine: redis\n${block(1, 1)}`],
    ['no end of line', 'databases:\n  a:\n    engine: redis', `databases:\n  a:\n    engine: redis\n${block(2).trimEnd()}`],
    [
      'a document with marks',
      '---\ndatabases:\n  a:\n    engine: redis\n...\n',
      `---\ndatabases:\n  a:\n    engine: redis\n${block(2)}...\n`,
    ],
    [
      'a block scalar at the end',
      'databases:\n  a:\n    x: |\n      y\n\nb: 1\n',
      `databases:\n  a:\n    x: |\n      y\n${block(2)}\nb: 1\n`,
    ],
    [
      'a block scalar that keeps its blank lines',
      'databases:\n  a:\n    x: |+\n      y\n\nb: 1\n',
      `databases:\n  a:\n    x: |+\n      y\n\n${block(2)}b: 1\n`,
    ],
    [
      'flow',
      'databases: {a: {engine: redis}}\n',
      'databases: {a: {engine: redis}, new: { engine: sqlite, file: ./x.db, version: "15" }}\n',
    ],
    [
      'flow with a comma at the end',
      'databases: {a: {engine: redis},}\n',
      'databases: {a: {engine: redis}, new: { engine: sqlite, file: ./x.db, version: "15" },}\n',
    ],
    [
      'flow with a comment',
      'databases: {a: {engine: redis} # one, two\n  }\n',
      'databases: {a: {engine: redis}, new: { engine: sqlite, file: ./x.db, version: "15" } # one, two\n  }\n',
    ],
    ['empty JSON', '{}', '{"databases": {"new":{"engine":"sqlite","file":"./x.db","version":"15"}}}'],
    ['JSON', '{"databases": {}}', '{"databases": {"new": {"engine":"sqlite","file":"./x.db","version":"15"}}}'],
    [
      'JSON on lines',
      '{\n  "databases": {\n    "a": {"engine": "redis"}\n  }\n}\n',
      '{\n  "databases": {\n    "a": {"engine": "redis"},\n    "new": {"engine":"sqlite","file":"./x.db","version":"15"}\n  }\n}\n',
    ],
    ['a byte order mark and no databases', '\uFEFFproject: x\n', `\uFEFFproject: x\ndatabases:\n${block(2)}`],
    ['a byte order mark', '\uFEFFdatabases:\n  a: {engine: redis}\n', `\uFEFFdatabases:\n  a: {engine: redis}\n${block(2)}`],
  ]

  it.each(cases)('puts the entry in its place: %s', (_what, before, after) => {
    expect(addDatabase(before, 'new', entry)).toBe(after)
    const windows = (text: string) => text.replaceAll('\n', '\r\n')
    if (before.includes('\n')) expect(addDatabase(windows(before), 'new', entry)).toBe(windows(after))
  })

  it('sets it apart by a blank line where the others are', () => {
    const at = SPACED.indexOf('\n# Everything else.')
    expect(addDatabase(SPACED, 'new', entry)).toBe(`${SPACED.slice(0, at)}\n${block(2)}${SPACED.slice(at)}`)
  })

  it('does not gather blank lines when it is done again and again', () => {
    let text = SPACED
    for (let round = 0; round < 5; round++) text = removeDatabase(addDatabase(text, 'new', entry), 'new')
    expect(text.replaceAll(/\n+/g, '\n')).toBe(SPACED.replaceAll(/\n+/g, '\n'))
    expect(text.length).toBeLessThanOrEqual(SPACED.length + 1)
  })

  it('writes values that need it in quotes', () => {
    const environment = { A: 'yes: no', B: '007', C: ' x ', D: 'true', E: '', F: '#', G: 'line\nline', H: "it's", I: '*x' }
    const text = addDatabase('', 'new', { engine: 'redis', environment, volumes: ['./a:/b'] })
    expect(parse(text)).toEqual({ version: '1.0', databases: { new: { engine: 'redis', environment, volumes: ['./a:/b'] } } })
  })

  it('leaves out what is undefined', () => {
    expect(addDatabase('', 'new', { engine: 'redis', port: undefined })).toBe('version: "1.0"\ndatabases:\n  new:\n    engine: redis\n')
  })

  it('brings the old lines back where they still say the same, else the entry', () => {
    const kept = declarationOf(SPACED, 'main')
    if (kept === null) throw new Error('it is declared')
    expect(addDatabase('databases:\n    a: {}\n', 'main', kept.entry, kept.source)).toContain(
      "    main:   # keep me\n      engine:    'postgresql'\n",
    )
    const stale = addDatabase('databases:\n', 'main', { engine: 'redis' }, kept.source)
    expect(parse(stale)).toEqual({ databases: { main: { engine: 'redis' } } })
    const broken = addDatabase('databases:\n', 'main', { engine: 'redis' }, 'main:\n  engine: [')
    expect(parse(broken)).toEqual({ databases: { main: { engine: 'redis' } } })
  })

  it('refuses a name that is there, or is none', () => {
    expect(() => addDatabase(SPACED, 'main', entry)).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
    expect(() => addDatabase(SPACED, '../x', entry)).toThrow(expect.objectContaining({ code: 'USAGE' }))
    expect(parse(addDatabase(SPACED, 'constructor', entry)).databases?.['constructor']).toEqual(entry)
  })

  it.each(['databases: [a]', '- a', '42', 'databases: 5'])('refuses a text that is no declaration: %j', (text) => {
    expect(() => addDatabase(text, 'new', entry)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })

  it('refuses, with the lines to add by hand, what it cannot edit', () => {
    expect(() => addDatabase('x: &d {}\ndatabases: *d\n', 'new', entry)).toThrow(
      expect.objectContaining({ code: 'CONFLICT', hint: containing('new:\n  engine: sqlite') }),
    )
  })
})

describe('removeDatabase', () => {
  it('takes the lines of the entry, and no other', () => {
    const from = SPACED.indexOf('  main:')
    const to = SPACED.indexOf('\n  # The cache.')
    expect(removeDatabase(SPACED, 'main')).toBe(SPACED.slice(0, from) + SPACED.slice(to))
    expect(removeDatabase(SPACED, 'cache')).toBe(SPACED.replace('  cache:\n    engine: redis\n', ''))
  })

  it.each([
    ['databases:\n  a:\n    engine: redis\n', 'databases:\n'],
    ['databases:\n  a:\n    engine: redis', 'databases:\n'],
    ['databases:\r\n  a:\r\n    engine: redis\r\nproject: x\r\n', 'databases:\r\nproject: x\r\n'],
    ['databases: {a: {engine: redis}}', 'databases: {}'],
    ['databases: {a: {engine: redis}, b: {engine: redis}}', 'databases: {b: {engine: redis}}'],
    ['databases: {b: {engine: redis}, a: {engine: redis}}', 'databases: {b: {engine: redis}}'],
    ['databases: {b: {engine: redis}, a: {engine: redis},}', 'databases: {b: {engine: redis}, }'],
    ['databases: {b: {engine: redis}, # of a, b\n  a: {engine: redis}}', 'databases: {b: {engine: redis} # of a, b\n  }'],
    ['{\n  "databases": {\n    "b": {},\n    "a": {"engine": "redis"}\n  }\n}', '{\n  "databases": {\n    "b": {}\n  }\n}'],
    ['databases:\n  a:\n  b: {engine: redis}\n', 'databases:\n  b: {engine: redis}\n'],
  ])('leaves the rest: %j', (before, after) => {
    expect(removeDatabase(before, 'a')).toBe(after)
  })

  it('refuses what is not declared, and what others refer to', () => {
    expect(() => removeDatabase(SPACED, 'other')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
    expect(() => removeDatabase('databases:\n  a: &a {engine: redis}\n  b: *a\n', 'a')).toThrow(
      expect.objectContaining({ code: 'CONFLICT' }),
    )
  })
})

// Texts as people write them: any indentation, comments and blank lines anywhere, every kind of scalar.
const VALUES = [
  'plain',
  '"quoted # not a comment"',
  "'it''s'",
  '7',
  'true',
  '[a, "b, c"]',
  '{x: 1, y: [2]}',
  '~',
  '"multi\n{pad}  line"',
  '|\n{pad}  text\n\n{pad}  # text too',
  '>-\n{pad}  folded\n{pad}  text',
]

const noise = fc.array(fc.record({ comment: fc.boolean(), deeper: fc.nat(1) }), { maxLength: 2 })
const key = fc.record({ value: fc.constantFrom(...VALUES), tail: fc.boolean(), before: noise })
const database = fc.record({ keys: fc.array(key, { maxLength: 3 }), before: noise, tail: fc.boolean() })
const layout = fc.record({
  step: fc.integer({ min: 1, max: 4 }),
  inner: fc.integer({ min: 1, max: 4 }),
  databases: fc.array(database, { minLength: 1, maxLength: 4 }),
  first: fc.boolean(),
  last: fc.boolean(),
  end: noise,
  windows: fc.boolean(),
  newline: fc.boolean(),
})
type Layout = typeof layout extends fc.Arbitrary<infer T> ? T : never

function write({ step, inner, databases, first, last, end, windows, newline }: Layout): string {
  const lines: string[] = []
  let comments = 0
  const comment = () => `# c${comments++}`
  const put = (each: readonly { comment: boolean; deeper: number }[], indent: number) => {
    for (const { comment: isComment, deeper } of each) lines.push(isComment ? ' '.repeat(indent + deeper * 2) + comment() : '')
  }
  if (first) lines.push(`version: "1.0" ${comment()}`, '')
  lines.push('databases:')
  for (const [index, { keys, before, tail }] of databases.entries()) {
    put(before, step)
    lines.push(`${' '.repeat(step)}db${index}:${tail ? ` ${comment()}` : ''}`)
    const pad = ' '.repeat(step + inner)
    lines.push(`${pad}engine: redis`)
    for (const [at, { value, tail: hasTail, before: above }] of keys.entries()) {
      put(above, step + inner)
      const isOneLine = !value.includes('\n')
      lines.push(`${pad}k${at}: ${value.replaceAll('{pad}', pad)}${hasTail && isOneLine ? ` ${comment()}` : ''}`)
    }
  }
  put(end, 0)
  if (last) lines.push('global:', '  backup: {enabled: true}')
  const text = lines.join('\n') + (newline ? '\n' : '')
  return windows ? text.replaceAll('\n', '\r\n') : text
}

/** How many characters two texts have in common at their beginning, and at their end. */
function common(a: string, b: string): { readonly head: number; readonly tail: number } {
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++
  return { head, tail }
}

describe('any text', () => {
  it('gets one piece put in, and keeps all other bytes', () => {
    fc.assert(
      fc.property(layout, (plan) => {
        const text = write(plan)
        const result = addDatabase(text, 'new', entry)
        const { head, tail } = common(text, result)
        expect(head + tail).toBe(text.length)
        expect(parse(result)).toEqual({ ...parse(text), databases: { ...parse(text).databases, new: entry } })
        expect(/[^\r]\n/.test(result)).toBe(!plan.windows)
      }),
      { numRuns: 1000 },
    )
  })

  it('loses one piece, which is of the entry alone, and keeps all other bytes and comments', () => {
    fc.assert(
      fc.property(layout, fc.nat(3), (plan, pick) => {
        const text = write(plan)
        const name = `db${pick % plan.databases.length}`
        const result = removeDatabase(text, name)
        const { head, tail } = common(result, text)
        expect(head + tail).toBe(result.length)
        const { [name]: gone, ...others } = parse(text).databases ?? {}
        expect(parse(result).databases ?? {}).toEqual(others)
        const cut = declarationOf(text, name)
        expect(cut?.entry).toEqual(gone)
        expect(cut?.source?.startsWith(`${name}:`)).toBe(true)
        const comments = (of: string): readonly string[] => of.match(/# c\d+/g) ?? []
        expect(comments(text).filter((each) => !comments(cut?.source ?? '').includes(each))).toEqual(comments(result))
      }),
      { numRuns: 1000 },
    )
  })

  it('is whole again when what was taken out is put back, and when what was put in is taken out', () => {
    fc.assert(
      fc.property(layout, (plan) => {
        const text = write(plan)
        const lines = (of: string) => of.split(/\r?\n/).filter((line) => line.trim() !== '')
        expect(lines(removeDatabase(addDatabase(text, 'new', entry), 'new'))).toEqual(lines(text))
        const name = 'db0'
        const kept = declarationOf(text, name)
        if (kept === null) throw new Error('it is declared')
        const back = addDatabase(removeDatabase(text, name), name, kept.entry, kept.source)
        expect(parse(back)).toEqual(parse(text))
        const bare = (of: string) =>
          lines(of)
            .map((line) => line.trim())
            .toSorted()
        expect(bare(back)).toEqual(bare(text))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('setValue', () => {
  it.each([
    [
      '  shop:\n    version: 14 # until spring\n    engine: postgresql\n',
      '  shop:\n    version: "17" # until spring\n    engine: postgresql\n',
    ],
    ["  shop:\n    engine: postgresql\n    version: '14'\n", '  shop:\n    engine: postgresql\n    version: "17"\n'],
    [
      '  shop:\n    engine: postgresql\n    # a word\n  other: {engine: redis}\n',
      '  shop:\n    engine: postgresql\n    # a word\n    version: "17"\n  other: {engine: redis}\n',
    ],
    ['  shop: {engine: postgresql, version: 14} # flow\n', '  shop: {engine: postgresql, version: "17"} # flow\n'],
  ])('changes %j in place', (before, after) => {
    const head = 'version: "1.0"\n# ours\ndatabases:\n'
    expect(setValue(head + before, 'shop', 'version', '17')).toBe(head + after)
  })

  it('refuses what it cannot change alone', () => {
    const text = 'databases:\n  shop: &a\n    engine: postgresql\n    version: &v "14"\n  other:\n    engine: postgresql\n    version: *v\n'
    expect(() => setValue(text, 'other', 'version', '17')).toThrow(/by hand|without changing/)
  })
})
