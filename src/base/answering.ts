// The side of a child process that is a piece of Hayai: it is asked one question by its arguments (child.ts), or, told to stay
// (standing.ts), one question by each line of its input.

import { fstatSync, readdirSync } from 'node:fs'
import { HayaiError } from './errors.ts'
import { lineOfAnswer, lineOfError, linesIn, parseLine } from './lines.ts'
import { LAST, STANDING } from './standing.ts'

export interface Work {
  /** What it is asked, by verb. The parent is the same version of the same program, and wrote the request by the same types. */
  readonly work: Readonly<Record<string, (request: never) => unknown>>
  /** Verbs whose output is the text itself, and whose exit status tells how it went. */
  readonly asItIs: ReadonlySet<string>
  /** An error in words for people, where it is none of ours. */
  readonly explained: (error: unknown) => unknown
  readonly print: (line: string) => void
}

/** `<verb> <request>` or `standing`. What is no error that can be told in words is thrown, and ends the process. */
export async function answerAsAsked(child: Work): Promise<void> {
  process.umask(0o077)
  const [verb = '', request = '{}'] = process.argv.slice(2)
  if (verb === STANDING) await answerEach(child)
  else if (child.asItIs.has(verb)) await answerTo(child, verb, JSON.parse(request))
  else child.print(await lineFor(child, verb, JSON.parse(request)))
}

/**
 * Until the input ends, and each before the next one is read. A child that has a file open after its answer is not asked again, for a
 * database that is not let go of keeps its lock, and what a native library holds on to it lets go of when the process ends.
 */
async function answerEach(child: Work): Promise<void> {
  for await (const line of linesIn(process.stdin)) {
    const { verb, request } = parseLine(line)
    const answer = await lineFor(child, String(verb), request)
    const last = hasFilesOpen()
    child.print(last ? LAST + answer : answer)
    if (last) return
  }
}

async function lineFor(child: Work, verb: string, request: unknown): Promise<string> {
  try {
    return lineOfAnswer(await answerTo(child, verb, request))
  } catch (error) {
    const known = child.explained(error)
    if (known instanceof HayaiError) return lineOfError(known)
    throw error
  }
}

function answerTo({ work }: Work, verb: string, request: unknown): unknown {
  const answer = Object.hasOwn(work, verb) ? work[verb] : undefined
  if (answer === undefined) throw new Error(`a child was asked to ${JSON.stringify(verb)}`)
  return (answer as (request: unknown) => unknown)(request)
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
