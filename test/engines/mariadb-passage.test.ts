import fc from 'fast-check'
import { expect, test } from 'vitest'
import { key, passage, type Passed } from '../../src/engines/mariadb/passage.ts'
import { name } from '../../src/engines/mariadb/sql.ts'

interface Through {
  readonly passed: Passed
  readonly text: string
}

function through(dump: string, cuts: readonly number[] = [], main = 'shop', atMainsEnd = 'CREATE VIEW v;\n'): Through {
  const bytes = Buffer.from(dump)
  const counter = passage(main, atMainsEnd)
  const out: Uint8Array[] = []
  let from = 0
  for (const end of [...new Set(cuts.map((cut) => cut % (bytes.length + 1))), bytes.length].toSorted((a, b) => a - b)) {
    // Copied to an odd address, so that the fast way of counting has to find its own alignment.
    const copy = Buffer.alloc(end - from + 3)
      .subarray(from % 4 === 0 ? 0 : 1)
      .subarray(0, end - from)
    bytes.copy(copy, 0, from, end)
    out.push(...counter.feed(copy).map((each) => Buffer.from(each)))
    from = end
  }
  out.push(...counter.end())
  return { passed: counter.passed(), text: Buffer.concat(out).toString() }
}

const HEADING = `/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n--\n\n/*!40101 SET NAMES utf8mb4 */;\n\n`
const END = `/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;\n\n-- Dump completed\n`
const begin = (database: string): string =>
  `--\n-- Current Database: ${name(database).replaceAll('\n', '\n-- ')}\n--\n\nCREATE DATABASE /*!32312 IF NOT EXISTS*/ ${name(database)} /*!40100 DEFAULT CHARACTER SET utf8mb4 */;\n\nUSE ${name(database)};\n\n`

type Style = 'lines' | 'columns' | 'one line'
interface Table {
  readonly name: string
  readonly style: Style
  readonly rows: readonly (readonly string[])[]
}
const cells = (row: readonly string[]): string => `(${row.map((cell) => (/^\d+$/.test(cell) ? cell : written(cell))).join(',')})`
const ESCAPED: Readonly<Record<string, string>> = { '\n': 'n', '\0': '0' }
const written = (cell: string): string => `'${cell.replaceAll(/['"\\\n\0]/g, (character) => `\\${ESCAPED[character] ?? character}`)}'`
function insert({ name: table, style, rows }: Table, from: number, to: number): string {
  const values = rows.slice(from, to).map(cells)
  if (values.length === 0) return ''
  if (style === 'lines') return `INSERT INTO ${name(table)} VALUES\n${values.join(',\n')};\n`
  if (style === 'columns') return `INSERT INTO ${name(table)} (${name('a) VALUES')}, row_start) VALUES ${values.join(',\n')};\n`
  return `INSERT INTO ${name(table)} VALUES ${values.join(',')};\n`
}
const data = (table: Table): string => `--
-- Dumping data for table ${name(table.name).replaceAll('\n', '\n-- ')}
--

/*!40000 ALTER TABLE ${name(table.name)} DISABLE KEYS */;
${insert(table, 0, 7)}${insert(table, 7, table.rows.length)}/*!40000 ALTER TABLE ${name(table.name)} ENABLE KEYS */;
`

const anyName = fc.string({ unit: fc.constantFrom('a', '`', '\n', ' ', '.', 'é', 'VALUES', '(', ';', "'"), minLength: 1, maxLength: 6 })
const anyCell = fc.string({
  unit: fc.constantFrom('x', '\\', "'", '(', ')', ',', ';', '\n', '1', 'é', '\0', '),(', '`', '--', '"'),
  maxLength: 10,
})
const anyTable = fc.record({
  name: anyName,
  style: fc.constantFrom<Style>('lines', 'columns', 'one line'),
  rows: fc.array(fc.array(anyCell, { minLength: 1, maxLength: 3 }), { maxLength: 60 }),
})

test('rows are counted whatever is in them, however they are written, and wherever the chunks are cut; the rest is handed on', () => {
  const database = fc.record({ name: anyName, tables: fc.uniqueArray(anyTable, { selector: (table) => table.name, maxLength: 3 }) })
  fc.assert(
    fc.property(
      fc.uniqueArray(database, { selector: (each) => each.name, minLength: 1, maxLength: 3 }),
      fc.array(fc.nat(), { maxLength: 40 }),
      (databases, cuts) => {
        const [main, ...others] = databases.map((each) => ({ ...each, text: each.tables.map(data).join('') }))
        if (main === undefined) return
        const dump = HEADING + begin(main.name) + main.text + others.map((each) => begin(each.name) + each.text).join('') + END
        const { passed, text } = through(dump, cuts, main.name)
        expect(passed.complete).toBe(true)
        expect(Object.fromEntries(passed.rows)).toEqual(
          Object.fromEntries(databases.flatMap((each) => each.tables.map((table) => [key(each.name, table.name), table.rows.length]))),
        )
        const heading = `${HEADING.replace(/^.*\n/, '')}--\n-- Current Database: ${name(main.name).replaceAll('\n', '\n-- ')}\n--\n\n`
        const between = others.length === 0 ? '' : 'CREATE VIEW v;\n'
        expect(text.replaceAll('\n\n\n', '\n\n')).toBe(
          (heading + main.text + between + others.map((each) => begin(each.name) + each.text).join('') + END).replaceAll('\n\n\n', '\n\n'),
        )
      },
    ),
    { numRuns: 300 },
  )
})

test('a chunk may end at any byte of a statement, also between the last two', () => {
  const tables = [
    { name: 't', style: 'lines', rows: [['a;'], ['b']] },
    { name: 'u', style: 'columns', rows: [['a;'], ['b']] },
    { name: 'v', style: 'one line', rows: [['a;'], ['b']] },
  ] as const
  const dump = HEADING + begin('shop') + tables.map(data).join('') + END
  for (let cut = 0; cut <= dump.length; cut += 1) {
    const { passed } = through(dump, [cut])
    expect([cut, passed.complete, [...passed.rows.values()]]).toEqual([cut, true, [2, 2, 2]])
  }
})

test('what looks like rows, like another database or like the end inside of a routine is none', () => {
  const body = `CREATE PROCEDURE p()
BEGIN
/*!40000 ALTER TABLE \`fake\` DISABLE KEYS */;
INSERT INTO \`fake\` VALUES
(1);
--
-- Current Database: \`other\`
--
USE \`other\`;
-- Dump completed
END ;;`
  const dump = `${HEADING}${begin('shop')}DELIMITER ;;\n${body}\nDELIMITER ;\nINSERT INTO \`unannounced\` VALUES\n(1);\n`
  for (const cuts of [[], [...dump].map((_, at) => at)]) {
    const { passed, text } = through(dump, cuts)
    expect(passed.rows).toEqual(new Map())
    expect(passed.complete).toBe(false)
    expect(text).toContain(body)
    expect(text).not.toContain('CREATE VIEW')
  }
})

test('sequences are read, and a default that names one does not name the database', () => {
  const dump = `${HEADING}${begin('sh`op')}CREATE SEQUENCE \`s\`;\nDO SETVAL(\`s\`, -15, 0);\nSELECT SETVAL(\`t;\n\`, 9223372036854775806, 1);
CREATE TABLE \`n\` (
  \`id\` bigint(20) DEFAULT nextval(\`sh\`\`op\`.\`s\`),
  \`other\` bigint(20) DEFAULT nextval(\`else\`.\`s\`)
);
${begin('b')}DO SETVAL(\`s\`, 3, 0);\nCREATE TABLE \`n\` (\n  \`id\` bigint(20) DEFAULT nextval(\`sh\`\`op\`.\`s\`)\n);\n${END}`
  const { passed, text } = through(dump, [1, 100, 300, 500], 'sh`op')
  expect(passed.positions).toEqual(
    new Map([
      [key('sh`op', 's'), -15n],
      [key('sh`op', 't;\n'), 9223372036854775806n],
      [key('b', 's'), 3n],
    ]),
  )
  expect(text).toContain('DEFAULT nextval(`s`),')
  expect(text).toContain('DEFAULT nextval(`else`.`s`)')
  expect(text).toContain('nextval(`sh``op`.`s`)\n') // of the other database: there it must be named
})

test('a dump that begins with another database, or ends among rows, is not taken for whole', () => {
  expect(() => through(`${HEADING}${begin('wrong')}`)).toThrow(expect.objectContaining({ code: 'TOOL_FAILED' }))
  const cut = `${HEADING}${begin('shop')}/*!40000 ALTER TABLE \`t\` DISABLE KEYS */;\nINSERT INTO \`t\` VALUES\n(1),\n-- Dump completed\n`
  expect(through(cut).passed.complete).toBe(false)
})
