// The login of a database is Hayai's, whatever accounts a dump has brought: it must go on opening the server.

import { HayaiError } from '../../base/errors.ts'
import type { Endpoint } from '../engine.ts'
import type { Dialect } from './dialect.ts'
import { errorNumber, withSession, type Session } from './session.ts'
import { account, literal } from './sql.ts'

const ACCESS_DENIED = new Set([1044, 1045, 1698, 1820, 1862, 3118, 4151])

/** `held` was logged in before the dump was loaded, and may therefore still do everything. */
export async function keepLogin(held: Session, dialect: Dialect, endpoint: Endpoint, signal: AbortSignal): Promise<void> {
  await held.query('FLUSH PRIVILEGES') // rows that were written into the tables of accounts count from now on
  if (await opens(dialect, endpoint, signal)) return
  // The most exact host wins, and this is where Hayai comes from.
  for (const host of ['%', 'localhost']) {
    const login = account(endpoint.user, host)
    const password = literal(endpoint.password.reveal())
    await quietly(held, `CREATE USER IF NOT EXISTS ${login}`)
    await quietly(held, `ALTER USER ${login} IDENTIFIED BY ${password} ACCOUNT UNLOCK`)
    await quietly(held, `GRANT ALL PRIVILEGES ON *.* TO ${login} WITH GRANT OPTION`)
  }
  if (await opens(dialect, endpoint, signal)) return
  throw new HayaiError('TOOL_FAILED', `the dump brought accounts of its own, and ${endpoint.user} cannot log in any more`, {
    hint: 'Dump only the databases that you want, without the one called mysql.',
  })
}

async function opens(dialect: Dialect, endpoint: Endpoint, signal: AbortSignal): Promise<boolean> {
  try {
    await withSession(dialect, endpoint, { database: '', signal }, (session) => session.query('SELECT COUNT(*) FROM mysql.user'))
    return true
  } catch (error) {
    if (ACCESS_DENIED.has(errorNumber(error) ?? 0)) return false
    throw error
  }
}

/** The statement may hold the password: what the server says of it is not repeated. */
async function quietly(session: Session, statement: string): Promise<void> {
  try {
    await session.query(statement)
  } catch (error) {
    const number = errorNumber(error)
    if (number === undefined) throw error
    throw new HayaiError('TOOL_FAILED', `the login cannot be made good after the dump was loaded (error ${number})`, {
      hint: 'Dump only the databases that you want, without the one called mysql.',
      details: { number },
    })
  }
}
