// In a child process that stays (standing.ts): each line of its input is a question, and gets its answer before the next one is read.

import { fstatSync, readdirSync } from 'node:fs'
import { linesIn, parseLine } from './lines.ts'
import { LAST } from './standing.ts'

/**
 * Until its input ends. A child that has a file open after its answer is not asked again, for a database that is not let go of keeps
 * its lock, and what a native library holds on to it lets go of when the process ends. What `lineFor` throws ends it, too.
 */
export async function answerEach(
  lineFor: (verb: string, request: unknown) => Promise<string>,
  print: (line: string) => void,
): Promise<void> {
  for await (const line of linesIn(process.stdin)) {
    const { verb, request } = parseLine(line)
    const answer = await lineFor(String(verb), request)
    const last = hasFilesOpen()
    print(last ? LAST + answer : answer)
    if (last) return
  }
}

/** Where it cannot be known, it is taken for granted. */
function hasFilesOpen(): boolean {
  if (process.platform !== 'linux') return true
  return readdirSync('/proc/self/fd').some((fd) => {
    try {
      return fstatSync(Number(fd)).isFile()
    } catch {
      return false // the one by which the folder was listed
    }
  })
}
