// What the system answers when a file of the project cannot be read or written, as errors that a person can act upon.

import { HayaiError, systemCode, type Code } from '../base/errors.ts'

interface Refusal {
  readonly code: Code
  readonly says: string
  readonly hint: string
}

const DENIED: Refusal = {
  code: 'ENVIRONMENT',
  says: 'permission denied',
  hint: 'Run Hayai as the user who owns the project; or stop its servers, and make it yours: `sudo chown -R "$(id -u)" .` in its folder.',
}
const FULL: Refusal = { code: 'STORE_FAILED', says: 'the disk is full', hint: 'Free some space and try again; nothing was changed.' }

const REFUSALS: Readonly<Record<string, Refusal>> = {
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: { code: 'STORE_FAILED', says: 'the file system is read-only', hint: 'Use a project folder that can be written to.' },
  ENOSPC: FULL,
  EDQUOT: FULL,
  EISDIR: { code: 'CONFLICT', says: 'a folder is in its place', hint: 'Move the folder away and try again.' },
  ENOTDIR: { code: 'CONFLICT', says: 'a file stands where a folder is needed', hint: 'Move the file away and try again.' },
}

/** Does the work; a refusal of the system becomes a HayaiError that names the file. `doing`: `read`, `written`. */
export async function onFile<T>(path: string, doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const refusal = REFUSALS[systemCode(error) ?? '']
    if (refusal === undefined) throw error
    throw new HayaiError(refusal.code, `${path} cannot be ${doing}: ${refusal.says}`, { hint: refusal.hint, cause: error })
  }
}

/** What the system refused where nobody expected it to, as an error with the file and the reason; anything else as it is. */
export function asRefusal(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  if (error.message.includes('uv_cwd')) {
    return new HayaiError('ENVIRONMENT', 'the folder that you are in is gone', { hint: 'Go into one that is there.', cause: error })
  }
  const refusal = REFUSALS[systemCode(error) ?? '']
  if (refusal === undefined || !('path' in error)) return error
  const { code, says } = refusal
  const hint = refusal === FULL ? 'Free some space and try again.' : `Look at what \`ls -ld\` says of it. ${refusal.hint}`
  return new HayaiError(code, `${String(error.path)} cannot be used: ${says}`, { hint, cause: error })
}
