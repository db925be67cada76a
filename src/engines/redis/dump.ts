// A snapshot: the server's data as it streams it to a replica, counted as it passes.

import type { Bytes } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import { closedAtItsEnd, notToItsEnd } from '../../base/reading.ts'
import type { Dump, Format, Outlined, Ready, Target } from '../engine.ts'
import { census } from './census.ts'
import type { Dialect } from './dialect.ts'
import { packed } from './folder.ts'
import { readVersion, settingsInForce } from './inspect.ts'
import { rdbCounter, type Counted } from './rdb.ts'
import { endpointOf, open, type Session } from './session.ts'
import { outlineOf, readLibraries } from './survey.ts'
import { prepareTransfer, transfer } from './transfer.ts'

export async function dump(dialect: Dialect, target: Target, format: Format, signal: AbortSignal, ready?: Ready): Promise<Dump> {
  const session = await open(endpointOf(target), signal)
  try {
    const version = await readVersion(dialect, session)
    const notes = await accountNotes(session)
    const libraries = await readLibraries(session)
    const settings = await settingsInForce(session)
    const asFolder = format.name === 'tar'
    await prepareTransfer(session, asFolder)
    await ready?.('fix')
    const { size, bytes } = await transfer(session)
    const facts = Promise.withResolvers<Outlined>()
    facts.promise.catch(() => {}) // whoever asks for the facts hears of it
    const tell = (counted: Counted): void =>
      facts.resolve({
        product: dialect.title,
        version,
        census: census(counted),
        notes: [...notes, ...moduleNotes(counted.modules)],
        tools: {},
        settings,
        outline: outlineOf(counted.types, libraries, undefined),
      })
    return {
      instant: new Date(),
      bytes: closedAtItsEnd(asFolder ? packed(size, counted(bytes, tell)) : counted(bytes, tell), () => session.wire.close(), facts.reject),
      land: null,
      facts: () => facts.promise,
      expectedBytes: undefined,
      close() {
        facts.reject(notToItsEnd()) // says nothing once the facts are known
        session.wire.close()
        return Promise.resolve()
      },
    }
  } catch (error) {
    session.wire.close()
    throw error
  }
}

async function* counted(source: Bytes, tell: (counted: Counted) => void): Bytes {
  const counter = rdbCounter()
  for await (const chunk of source) {
    counter.feed(chunk)
    yield chunk
  }
  const result = counter.counted()
  if (!result.whole) throw new HayaiError('TOOL_FAILED', 'the server claims that all was sent, but what it sent has no end')
  tell(result)
}

async function accountNotes(session: Session): Promise<readonly string[]> {
  const users = await session.askIfKnown('ACL', 'USERS')
  const others = Array.isArray(users) ? users.map(String).filter((name) => name !== 'default') : []
  return others.length === 0 ? [] : [`Users made by ACL SETUSER are not in the snapshot: ${quoted(others)}.`]
}

function moduleNotes(modules: ReadonlySet<string>): readonly string[] {
  return modules.size === 0
    ? []
    : [`Only a server with the same modules can read the snapshot: it holds values of ${quoted([...modules])}.`]
}

const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ')
