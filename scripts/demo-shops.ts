// The two shops of the demo: one kept in SQLite, one in PostgreSQL, with the same rows, the same damage and the same way to count.

import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'

export interface Digest {
  readonly tables: readonly { readonly name: string; readonly rows: number }[]
  /** Of every row of every table, in order. */
  readonly sha256: string
}

export interface Shop {
  readonly name: string
  readonly damage: readonly string[]
  fill(): Promise<void>
  wreck(): Promise<void>
  digest(): Promise<Digest>
}

type Row = readonly (string | number)[]

const CUSTOMERS = 2_000
const PRODUCTS = 300
const ORDERS = 12_000

const TABLES = {
  customers: 'id integer PRIMARY KEY, name text NOT NULL, email text NOT NULL UNIQUE, city text NOT NULL',
  products: 'id integer PRIMARY KEY, title text NOT NULL, cents integer NOT NULL CHECK (cents > 0)',
  orders:
    'id integer PRIMARY KEY, customer integer NOT NULL REFERENCES customers (id), product integer NOT NULL REFERENCES products (id), pieces integer NOT NULL, placed text NOT NULL',
} as const

type Table = keyof typeof TABLES
const NAMES: readonly Table[] = ['customers', 'products', 'orders']

const DAMAGE = ['DELETE FROM orders WHERE id % 3 = 0', "UPDATE products SET cents = 1, title = 'oops'", 'DROP TABLE customers'] as const

export function sqliteShop(name: string, file: string): Shop {
  function inside<T>(work: (database: DatabaseSync) => T): Promise<T> {
    const database = new DatabaseSync(file, { enableForeignKeyConstraints: false })
    try {
      return Promise.resolve(work(database))
    } finally {
      database.close()
    }
  }
  return {
    name,
    damage: DAMAGE,
    fill: () =>
      inside((database) => {
        database.exec('BEGIN')
        for (const table of NAMES) {
          database.exec(`CREATE TABLE ${table} (${TABLES[table]})`)
          for (const row of rows(table)) database.prepare(`INSERT INTO ${table} VALUES (${row.map(() => '?').join(', ')})`).run(...row)
        }
        database.exec('COMMIT')
      }),
    wreck: () => inside((database) => DAMAGE.forEach((statement) => database.exec(statement))),
    digest: () =>
      inside((database) => {
        const there = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all()
        return digestOf(
          there.map(({ name: table }) => [String(table), database.prepare(`SELECT * FROM "${String(table)}" ORDER BY id`).all()]),
        )
      }),
  }
}

/** The server moves to another place with a restore or an undo; so its URI is asked for anew each time. */
export function postgresqlShop(name: string, uri: () => string): Shop {
  async function inside<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: uri() })
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }
  const damage = DAMAGE.map((statement) => (statement.startsWith('DROP') ? `${statement} CASCADE` : statement))
  return {
    name,
    damage,
    fill: () =>
      inside(async (client) => {
        for (const table of NAMES) {
          await client.query(`CREATE TABLE ${table} (${TABLES[table]})`)
          await client.query(`INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1)`, [
            JSON.stringify(records(table)),
          ])
        }
      }),
    wreck: () =>
      inside(async (client) => {
        for (const statement of damage) await client.query(statement)
      }),
    digest: () =>
      inside(async (client) => {
        const there = await client.query<{ tablename: string }>("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        const tables: [string, unknown[]][] = []
        for (const { tablename } of there.rows)
          tables.push([tablename, (await client.query(`SELECT * FROM "${tablename}" ORDER BY id`)).rows])
        return digestOf(tables)
      }),
  }
}

function digestOf(tables: readonly (readonly [name: string, rows: readonly unknown[]])[]): Digest {
  const hash = createHash('sha256')
  for (const table of tables) hash.update(JSON.stringify(table))
  return { tables: tables.map(([name, all]) => ({ name, rows: all.length })), sha256: hash.digest('hex') }
}

function records(table: Table): readonly Readonly<Record<string, string | number>>[] {
  const columns = TABLES[table].split(', ').map((column) => column.split(' ')[0] ?? '')
  return rows(table).map((row) => Object.fromEntries(row.map((value, index) => [columns[index] ?? '', value])))
}

function rows(table: Table): readonly Row[] {
  const pick = randomly(table.length)
  if (table === 'customers') {
    return numbers(CUSTOMERS).map((id) => [id, `${pick(FIRST)} ${pick(LAST)}`, `customer${id}@example.org`, pick(CITIES)])
  }
  if (table === 'products') return numbers(PRODUCTS).map((id) => [id, `${pick(KINDS)} "${pick(LAST)}" №${id}`, 100 + id * 7])
  return numbers(ORDERS).map((id) => {
    const day = new Date(Date.UTC(2024, 0, 1) + id * 3_600_000).toISOString()
    return [id, pick(numbers(CUSTOMERS)), pick(numbers(PRODUCTS)), 1 + (id % 5), day]
  })
}

function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}

/** The same choices in each run. */
function randomly(seed: number): <T>(from: readonly T[]) => T {
  let state = seed
  return <T>(from: readonly T[]) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const picked = from[(state >>> 8) % from.length]
    if (picked === undefined) throw new Error('nothing to pick from')
    return picked
  }
}

const FIRST = ['Aoi', 'Björk', 'Chidi', 'Dolores', 'Eszter', 'Fatima', 'Grace', 'Hiroshi', 'Inès', 'João', "O'Brien", '世界'] as const
const LAST = ['Almeida', 'Bauer', 'Čapek', 'Dupont', 'Eriksen', 'Fujita', 'Garcia', 'Hopper', 'Ito', 'Jensen'] as const
const CITIES = ['Kyōto', 'Lisboa', 'Malmö', 'Nairobi', 'Oaxaca', 'Praha', 'Québec', 'Reykjavík'] as const
const KINDS = ['Teapot', 'Lamp', 'Kite', 'Notebook', 'Bicycle bell', 'Umbrella'] as const
