import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesKey, rowCounter, type Passed } from '../../src/engines/postgresql/rows.ts'

function count(dump: string, cuts: readonly number[] = []): Passed {
  const bytes = Buffer.from(dump)
  const counter = rowCounter()
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b)
  let from = 0
  for (const end of [...ends, bytes.length]) {
    // Copied to an odd address, so that the fast way of counting has to find its own alignment.
    const copy = Buffer.alloc(end - from + 3)
      .subarray(from % 4 === 0 ? 0 : 1)
      .subarray(0, end - from)
    bytes.copy(copy, 0, from, end)
    counter.feed(copy)
    from = end
  }
  return counter.passed()
}

const key = (schema: string, table: string): string => bytesKey(Buffer.from(schema), Buffer.from(table))
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
const data = (schema: string, table: string, rows: readonly string[]): string =>
  `--\n-- Data for Name: ${table.replaceAll('\n', ' ')}; Type: TABLE DATA; Schema: ${schema.replaceAll('\n', ' ')}; Owner: o\n--\n\n` +
  `COPY ${quoted(schema)}.${quoted(table)} (a, "b ""c") FROM stdin;\n${rows.map((row) => `${row}\n`).join('')}\\.\n\n\n`
const END = '--\n-- PostgreSQL database dump complete\n--\n\n'

test('rows are counted whatever is in them, and wherever the chunks are cut', () => {
  const name = fc.string({ unit: fc.constantFrom('a', '"', '\n', ' ', '.', 'é', 'FROM stdin;', '('), minLength: 1, maxLength: 6 })
  const row = fc.string({ unit: fc.constantFrom('x', '\\\\', '.', '\\N', '\t', '\\n', '--', 'COPY', '"'), maxLength: 12 })
  const table = fc.record({ schema: name, table: name, rows: fc.array(row, { maxLength: 600 }) })
  fc.assert(
    fc.property(
      fc.uniqueArray(table, { selector: (t) => key(t.schema, t.table), maxLength: 4 }),
      fc.array(fc.nat(), { maxLength: 40 }),
      (tables, cuts) => {
        const passed = count(tables.map((t) => data(t.schema, t.table, t.rows)).join('') + END, cuts)
        expect(passed.complete).toBe(true)
        expect(Object.fromEntries(passed.rows)).toEqual(Object.fromEntries(tables.map((t) => [key(t.schema, t.table), t.rows.length])))
      },
    ),
    { numRuns: 300 },
  )
})

test('byte by byte it counts the same', () => {
  const dump = data('public', 'empty', []) + data('public', 't', ['1', '', '\\\\.', 'x\\\\', '\\N']) + END
  expect(
    count(
      dump,
      Array.from(dump, (_, at) => at),
    ),
  ).toEqual(count(dump))
  expect(count(dump).rows).toEqual(
    new Map([
      [key('public', 'empty'), 0],
      [key('public', 't'), 5],
    ]),
  )
})

test('what looks like data inside of a function is none, and a table without columns has rows', () => {
  const dump = `--
-- Name: f(); Type: FUNCTION; Schema: public; Owner: o
--

CREATE FUNCTION public.f() RETURNS text AS $$
COPY public.fake (a) FROM stdin;
1
\\.
$$;

--
-- Data for Name: none; Type: TABLE DATA; Schema: public; Owner: o
--

COPY public.none  FROM stdin;


\\.


--
-- Name: s; Type: SEQUENCE SET; Schema: public; Owner: o
--

SELECT pg_catalog.setval('public."s''q"', -42, true);


--
-- Name: t; Type: SEQUENCE SET; Schema: public; Owner: o
--

SELECT pg_catalog.setval('public.t', 1, false);
`
  expect(count(dump)).toEqual({
    rows: new Map([[key('public', 'none'), 2]]),
    positions: new Map([[key('public', "s'q"), -42n]]),
    complete: false,
  })
})
