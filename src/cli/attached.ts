// A command of the person's own, with the terminal in its hands: it reads what they type, it writes where they look, and signals
// are its to deal with. Hayai only waits.

import { spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { constants as system } from 'node:os'
import { delimiter, join } from 'node:path'
import { HayaiError } from '../index.ts'
import type { Session } from './command.ts'

/** Its exit status; 128 and the number of the signal that ended it, as shells count. With --json it writes to standard error. */
export async function runAttached([file = '', ...args]: readonly string[], session: Session): Promise<number> {
  const child = spawn(file, args, { stdio: ['inherit', session.json ? 2 : 'inherit', 'inherit'] })
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (cause) => reject(new HayaiError('ENVIRONMENT', `${file} cannot be started: ${cause.message}`, { cause })))
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : system.signals[signal])))
  })
  return session.lend(
    (signal) => {
      // What is typed at a terminal reaches the command by itself, like everything that runs there.
      if (signal !== 'SIGINT' || !hasTerminal()) child.kill(signal)
      return signal === 'SIGINT'
    },
    () => ended,
  )
}

function hasTerminal(): boolean {
  return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
}

/** Throws ENVIRONMENT when there is no such program: better before the snapshots than after them. */
export async function checkProgram(file: string): Promise<void> {
  const places = file.includes('/') ? [file] : (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, file))
  for (const place of places) if (await executable(place)) return
  throw new HayaiError('ENVIRONMENT', `there is no program called ${JSON.stringify(file)}`, {
    hint: 'The command is run as it is, without a shell: for a line of shell write -- sh -c "..."',
  })
}

async function executable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
