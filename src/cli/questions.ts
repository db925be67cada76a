// Questions to a person at a terminal, on standard error, so that standard output holds the answer alone. Loaded only when
// there is something to ask.

import { confirm, isCancel, password, select, text } from '@clack/prompts'
import { HayaiError, Secret } from '../index.ts'
import type { Session } from './command.ts'

/** Goes on when the person agrees; else nothing was changed, and that is how it is said. */
export async function agree(question: string, session: Session): Promise<void> {
  const answer = await confirm({ message: question, initialValue: false, ...place(session) })
  if (isCancel(answer) || !answer) throw declined()
}

/** false also for whoever leaves without an answer. */
export async function wants(question: string, session: Session): Promise<boolean> {
  const answer = await confirm({ message: question, initialValue: false, ...place(session) })
  return !isCancel(answer) && answer
}

export async function askText(question: string, example: string, session: Session): Promise<string> {
  const validate = (value: string | undefined) => (value === undefined || value.trim() === '' ? 'Please type something.' : undefined)
  return chosen(await text({ message: question, placeholder: example, validate, ...place(session) })).trim()
}

/** What is typed does not show. */
export async function askPassphrase(about: string, signal: AbortSignal): Promise<Secret> {
  const validate = (value: string | undefined) => (value === undefined || value === '' ? 'Please type something.' : undefined)
  return new Secret(chosen(await password({ message: `Passphrase of ${about}:`, validate, output: process.stderr, signal })))
}

/** What is typed does not show. */
export async function askSecret(name: string, { watch }: Session): Promise<Secret> {
  const validate = (value: string | undefined) => (value === undefined || value === '' ? 'Please type something.' : undefined)
  return new Secret(chosen(await password({ message: `Value of ${name}:`, validate, output: process.stderr, signal: watch.signal })))
}

export interface Choice {
  readonly value: string
  readonly label: string
  readonly hint?: string
}

export async function askChoice(question: string, options: readonly Choice[], session: Session): Promise<string> {
  return chosen(await select({ message: question, options: [...options], maxItems: 12, ...place(session) }))
}

function place({ watch }: Session) {
  return { output: process.stderr, signal: watch.signal }
}

function chosen(answer: string | symbol): string {
  if (typeof answer === 'symbol') throw declined()
  return answer
}

function declined(): HayaiError {
  return new HayaiError('INTERRUPTED', 'not done, as you wish; nothing was changed')
}
