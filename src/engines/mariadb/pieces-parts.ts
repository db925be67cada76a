// What belongs to a table, and cannot go along with it as it is: foreign keys and triggers have names of the whole database, lead to
// other tables, and belong to accounts.

import { errorNumber, errorWords } from './session.ts'
import { qualified, shownName, type Meant, type Named, type Side } from './pieces-find.ts'
import { account, literal, name } from './sql.ts'

interface ForeignKey {
  readonly name: string
  readonly columns: string
  /** The table that it leads to, as it is called in the live server. */
  readonly to: Named
  readonly rest: string
}

interface Trigger {
  readonly name: string
  readonly timing: string
  readonly event: string
  readonly statement: string
  readonly definer: string
  readonly mode: string
  readonly collation: string
}

export interface Belongings {
  /** What the table was called before: parts that are called after it are called anew. */
  readonly former: string
  readonly keys: readonly ForeignKey[]
  readonly triggers: readonly Trigger[]
  readonly notes: readonly string[]
}

/** Takes them off the table in the twin, and tells what they were. */
export async function takeOff(twin: Side, { source }: Meant, live: Side, meant: readonly Meant[]): Promise<Belongings> {
  const { session, main } = twin
  const [schema, table] = [literal(source.database ?? main), literal(source.name)]
  const [shown] = await session.query<Record<string, string>>(`SHOW CREATE TABLE ${qualified(twin, source)}`)
  const keys = foreignKeysIn(shown?.['Create Table'] ?? '', source, twin, meant)
  await session.query('SET SESSION foreign_key_checks = 0')
  for (const key of keys) await session.query(`ALTER TABLE ${qualified(twin, source)} DROP FOREIGN KEY ${name(key.name)}`)
  await session.query('SET SESSION foreign_key_checks = 1')
  const triggers = await session.query<Trigger>(`
    SELECT TRIGGER_NAME AS name, ACTION_TIMING AS timing, EVENT_MANIPULATION AS event, ACTION_STATEMENT AS statement, DEFINER AS definer,
      SQL_MODE AS mode, COLLATION_CONNECTION AS collation
    FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = ${schema} AND EVENT_OBJECT_TABLE = ${table} ORDER BY ACTION_ORDER`)
  for (const trigger of triggers) await session.query(`DROP TRIGGER ${qualified(twin, { ...source, name: trigger.name })}`)
  const [rights] = await session.query<{ number: number }>(
    `SELECT (SELECT COUNT(*) FROM mysql.tables_priv WHERE Db = ${schema} AND Table_name = ${table})
      + (SELECT COUNT(*) FROM mysql.columns_priv WHERE Db = ${schema} AND Table_name = ${table}) AS number`,
  )
  const notes =
    (rights?.number ?? 0) === 0 ? [] : [`Rights that accounts have on ${shownName(source)} alone were not carried: GRANT gives them again.`]
  return { former: source.name, keys, triggers, notes }
}

const QUOTED = '`((?:[^`]|``)*)`'
const KEY = new RegExp(`^ +CONSTRAINT ${QUOTED} FOREIGN KEY (\\(.*\\)) REFERENCES (?:${QUOTED}\\.)?${QUOTED} (\\(.*?\\).*?),?$`, 'gm')

function foreignKeysIn(statement: string, source: Named, twin: Side, meant: readonly Meant[]): readonly ForeignKey[] {
  return [...statement.matchAll(KEY)].map(([, constraint = '', columns = '', database, table = '', rest = '']) => {
    const plain = (word: string): string => word.replaceAll('``', '`')
    const schema = database === undefined ? source.database : plain(database) === twin.main ? undefined : plain(database)
    const leads: Named = { database: schema, name: plain(table) }
    const carried = meant.find((each) => each.source.database === leads.database && each.source.name === leads.name)
    return { name: plain(constraint), columns, to: carried?.goal ?? leads, rest }
  })
}

const ORPHANS = 1452

/** Where rows refer to what is not there, new rows are held to it, and the old ones are not. */
export async function addForeignKeys(live: Side, goal: Named, { keys, former }: Belongings): Promise<readonly string[]> {
  const { session } = live
  const notes: string[] = []
  for (const key of keys) {
    const free = await freeName(live, goal, { word: key.name, former, kind: 'FOREIGN KEY' })
    const statement = `ALTER TABLE ${qualified(live, goal)} ADD CONSTRAINT ${name(free)} FOREIGN KEY ${key.columns} REFERENCES ${qualified(live, key.to)} ${key.rest}`
    const which = `The foreign key ${free} of ${shownName(goal)} to ${shownName(key.to)}`
    try {
      await session.query(statement)
    } catch (error) {
      if (errorNumber(error) === undefined) throw error
      if (errorNumber(error) !== ORPHANS) {
        notes.push(`${which} could not be made: ${errorWords(error)}.`)
        continue
      }
      await session.query('SET SESSION foreign_key_checks = 0')
      await session.query(statement)
      await session.query('SET SESSION foreign_key_checks = 1')
      notes.push(`${which} does not hold for rows that are there, for they refer to rows that are not; it is there for new ones.`)
    }
  }
  return notes
}

export async function addTriggers(live: Side, goal: Named, { triggers, former }: Belongings): Promise<readonly string[]> {
  const { session } = live
  const notes: string[] = []
  for (const { name: word, timing, event, statement, definer, mode, collation } of triggers) {
    const at = definer.lastIndexOf('@')
    const [user, host] = [definer.slice(0, at), definer.slice(at + 1)]
    const known = await session.query(`SELECT 1 FROM mysql.user WHERE User = ${literal(user)} AND Host = ${literal(host)}`)
    const as = known.length > 0 ? `DEFINER = ${account(user, host)} ` : ''
    if (as === '') notes.push(`The trigger ${word} is run with the rights of Hayai's login: there is no account ${definer}.`)
    const free = await freeName(live, goal, { word, former, kind: 'TRIGGER' })
    await session.query(`SET SESSION sql_mode = ${literal(mode)}, collation_connection = ${literal(collation)}`)
    try {
      await session.query(
        `CREATE ${as}TRIGGER ${qualified(live, { ...goal, name: free })} ${timing} ${event} ON ${qualified(live, goal)} FOR EACH ROW ${statement}`,
      )
    } catch (error) {
      if (errorNumber(error) === undefined) throw error
      notes.push(`The trigger ${word} of ${shownName(goal)} could not be made: ${errorWords(error)}.`)
    } finally {
      await session.query(`SET SESSION sql_mode = '', collation_connection = 'utf8mb4_general_ci'`)
    }
  }
  return notes
}

interface Part {
  readonly word: string
  readonly former: string
  readonly kind: 'FOREIGN KEY' | 'TRIGGER'
}

/** `users_ibfk_1` of what was `users` becomes `users_old_ibfk_1`, where the name is taken. */
async function freeName({ session, main }: Side, goal: Named, { word, former, kind }: Part): Promise<string> {
  const schema = literal(goal.database ?? main)
  const rows = await session.query<{ name: string }>(
    kind === 'TRIGGER'
      ? `SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ${schema}`
      : `SELECT CONSTRAINT_NAME AS name FROM information_schema.TABLE_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ${schema} AND CONSTRAINT_TYPE = 'FOREIGN KEY'`,
  )
  const taken = new Set(rows.map((row) => row.name.toLowerCase()))
  if (!taken.has(word.toLowerCase())) return word
  const stem = `${goal.name}_${word.startsWith(`${former}_`) ? word.slice(former.length + 1) : word}`
  for (let n = 0; ; n += 1) {
    const ending = n === 0 ? '' : `_${n}`
    const next =
      Array.from(stem)
        .slice(0, LONGEST - ending.length)
        .join('') + ending
    if (!taken.has(next.toLowerCase())) return next
  }
}

const LONGEST = 64
