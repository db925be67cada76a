// The moment at which rows that are not over end, as older servers write it and as newer ones do: it is changed in its own column alone.

import { describe, expect, test } from 'vitest'
import { endless } from '../../src/engines/mariadb/endless.ts'

const OLD = `'2038-01-19 03:14:07.999999'`
const NEW = `'2106-02-07 06:28:15.999999'`
const begin = '/*M!101100 SET @old_system_versioning_insert_history=@@session.system_versioning_insert_history */;\n'
const end = '/*M!101100 SET system_versioning_insert_history=@old_system_versioning_insert_history */;\n'
const keys = '/*!40000 ALTER TABLE `t` DISABLE KEYS */;\n'
const table = (columns: string): string => `--\n\nCREATE TABLE \`t\` (\n${columns}\n) ENGINE=InnoDB WITH SYSTEM VERSIONING;\n\n`
const plain = table('  `a` int(11) DEFAULT NULL,\n  `b` datetime(6) DEFAULT NULL')
const own = table(
  '  `a` int(11),\n  `un``til,` timestamp(6) GENERATED ALWAYS AS ROW END,\n  `s` timestamp(6) GENERATED ALWAYS AS ROW START,\n  `b` datetime(6),\n  PERIOD FOR SYSTEM_TIME (`s`, `un``til,`)',
)

const cases: readonly (readonly [string, (moment: string) => string])[] = [
  [
    'columns that nobody named',
    (moment) =>
      `${plain}${begin}${keys}INSERT INTO \`t\` (\`a\`, \`b\`, row_start, row_end) VALUES (1,${OLD},'2026-01-01 00:00:00.000000',${moment}),\n(2,NULL,${OLD},'2027-01-01 00:00:00.000000'),\n(3,'x\\',${OLD})',NULL,${moment});\nINSERT INTO \`t\` (\`a\`, \`b\`, row_start, row_end) VALUES\n(4,'(',1,${moment});\n${end}`,
  ],
  [
    'columns of one’s own',
    (moment) => `${own}${begin}INSERT INTO \`t\` VALUES\n(1,${moment},${OLD},${OLD}),\n(2,${moment},NULL,'a;b\\\\');\n${end}`,
  ],
  [
    'columns of one’s own that are listed in another order',
    (moment) => `${own}${begin}INSERT INTO \`t\` (\`b\`, \`a\`, \`un\`\`til,\`) VALUES (${OLD},${OLD},${moment});\n${end}`,
  ],
  [
    'tables that keep no history',
    (moment) =>
      `${plain}INSERT INTO \`t\` (\`a\`, row_end) VALUES (1,${OLD});\n${plain}${begin}INSERT INTO \`t\` (\`a\`, row_end) VALUES (1,${moment});\n${end}INSERT INTO \`u\` (\`a\`, row_end) VALUES (1,${OLD});\n`,
  ],
]

describe.each(cases)('%s', (_, write) => {
  test.each([1, 7, 64, 100_000])('in pieces of %i bytes', async (size) => {
    const given = Buffer.from(write(OLD))
    const before = Buffer.from(given)
    const got: Uint8Array[] = []
    for await (const chunk of endless(inPieces(given, size))) got.push(Buffer.from(chunk))
    expect(Buffer.concat(got).toString()).toBe(write(NEW))
    expect(given.equals(before)).toBe(true)
  })
})

async function* inPieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
