// `.hayai/audit.log`: one JSON line for each change, in the order they happened. It is only ever added to.

import { appendFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import type { Context } from './context.ts'

export async function audit(
  context: Context,
  verb: string,
  database: string,
  details: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const line = JSON.stringify({ at: new Date().toISOString(), by: account(), pid: process.pid, verb, database, ...details })
  await appendFile(context.paths.auditLog, `${line}\n`, { mode: 0o600 })
}

function account(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? '') // an account without an entry in the system's list
  }
}
