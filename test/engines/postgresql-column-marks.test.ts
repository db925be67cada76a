// The number that newer servers put on each column: it keeps no dump from those that do not have it.

import { describe, expect, it } from 'vitest'
import { withoutColumnMarks } from '../../src/engines/postgresql/column-marks.ts'
import { noServer, startServer } from './postgresql-server.ts'
import { restored, snapshot } from './postgresql-copies.ts'

const LINE = 'ALTER TABLE ONLY public.t ALTER COLUMN body SET (pg_attver=22158952);'

/** As pg_dump 15.20 writes it, with rows and a function that look like it. */
const dump = (marked: boolean): string => `--
-- Name: twist(); Type: FUNCTION; Schema: public; Owner: o
--

CREATE FUNCTION public.twist() RETURNS void
    LANGUAGE sql
    AS $$
${LINE}
$$;


--
-- Name: t; Type: TABLE; Schema: public; Owner: o
--

CREATE TABLE public.t (
    body text,
    "odd ""SET (pg_attver=1)" text
);
${marked ? `${LINE}\n` : ''}ALTER TABLE ONLY public.t ALTER COLUMN body SET STATISTICS 500;
${marked ? 'ALTER TABLE ONLY public.t ALTER COLUMN "odd ""SET (pg_attver=1)" SET (pg_attver=22158952, n_distinct=5);' : 'ALTER TABLE ONLY public.t ALTER COLUMN "odd ""SET (pg_attver=1)" SET (n_distinct=5);'}


--
-- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: o
--

COPY public.t (body) FROM stdin;
-- Name: t; Type: TABLE; Schema: public; Owner: o
${LINE}
\\\\.
\\.


--
-- Data for Name: empty; Type: TABLE DATA; Schema: public; Owner: o
--

COPY public.empty (body) FROM stdin;
\\.


--
-- Name: mv; Type: MATERIALIZED VIEW; Schema: public; Owner: o
--

${marked ? 'ALTER TABLE ONLY public.mv ALTER COLUMN a SET (pg_attver=22302840);\n' : ''}--
-- PostgreSQL database dump complete
--
`

it.each([1, 2, 3, 7, 64, 100_000])('is left out where pg_dump writes it, and nowhere else, in pieces of %i bytes', async (size) => {
  async function* pieces() {
    const bytes = Buffer.from(dump(true))
    const memory = Buffer.alloc(size)
    for (let at = 0; at < bytes.length; at += size) yield memory.subarray(0, bytes.copy(memory, 0, at, at + size))
  }
  const passed: Buffer[] = []
  for await (const piece of withoutColumnMarks(pieces())) passed.push(Buffer.from(piece))
  expect(Buffer.concat(passed).toString()).toBe(dump(false))
})

describe.skipIf(noServer)('on a server', () => {
  it('is no hindrance, whether the server has it or not, and options of columns come along', async () => {
    await using server = await startServer()
    await server.psql(`CREATE TABLE t (a int, b text); ALTER TABLE t ALTER b SET (n_distinct = 5); INSERT INTO t VALUES (1, 'x')`)
    const { bytes, facts } = await snapshot(server)
    const text = bytes
      .toString()
      .replaceAll(/pg_attver=\d+, /g, '')
      .replaceAll(/^.* SET \(pg_attver=\d+\);\n/gm, '')
    expect(text).toContain('ALTER COLUMN b SET (n_distinct=5);')
    const marked = text.replace('SET (n_distinct=5)', 'SET (pg_attver=22158952, n_distinct=5)')
    await using copy = await restored({ bytes: Buffer.from(marked), facts })
    expect(
      await copy.psql(`SELECT attoptions::text LIKE '%n_distinct=5}' FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'b'`),
    ).toBe('t')
    expect(await copy.psql('SELECT a, b FROM t')).toBe('1|x')
  })
})
