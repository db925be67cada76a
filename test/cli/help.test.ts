// Help teaches, and what it teaches works.

import { describe, expect, it } from 'vitest'
import { parse } from '../../src/cli/arguments.ts'
import type { Route } from '../../src/cli/route.ts'
import { routeOf } from '../../src/cli/route.ts'
import { verbNames } from '../../src/cli/verbs.ts'
import { hayai } from './terminal.ts'

const routes: Route[] = []
for (const name of verbNames()) {
  const route = await routeOf(name, [])
  routes.push(route)
  for (const sub of Object.keys(route.command.subcommands ?? {})) routes.push(await routeOf(name, [sub]))
}

/** Every `hayai ...` of a shell line, as words; enough of a shell for the lines that we print. */
function commandsIn(line: string): readonly (readonly string[])[] {
  const words = [...line.matchAll(/"([^"$]*)"|'([^']*)'|[|&<>()$";]+|[^\s|&<>()$"';]+/g)].map(
    ([all, double, single]) => double ?? single ?? all,
  )
  const commands: string[][] = []
  let current: string[] | undefined
  for (const word of words) {
    if (/^[|&<>()$";]+$/.test(word)) current = undefined
    else if (word === 'hayai' && current === undefined) commands.push((current = []))
    else if (word === 'hayai') commands.push((current = [])) // xargs hayai
    else current?.push(word)
  }
  return commands
}

async function accept(line: string): Promise<void> {
  const commands = commandsIn(line)
  expect(commands.length, line).toBeGreaterThan(0)
  for (const [name = '', ...args] of commands) {
    if (name === '--version') continue
    const route = await routeOf(name, args)
    parse(route.grammar, route.args)
  }
}

describe('hayai', () => {
  it('says what it is, all its commands and three examples', async () => {
    const { status, stdout, stderr } = await hayai([])
    expect(status).toBe(0)
    expect(stderr).toBe('')
    for (const name of verbNames()) expect(stdout).toMatch(new RegExp(`^  ${name} +[A-Z]`, 'm'))
    const examples = stdout.slice(stdout.indexOf('Examples')).match(/^  hayai .*$/gm) ?? []
    expect(examples).toHaveLength(3)
    for (const example of examples) await accept(example.trim().split(/ {2,}/)[0] ?? '')
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
  })

  it.each([[['--help']], [['-h']], [['help']]])('%j says the same', async (args) => {
    const { status, stdout } = await hayai(args)
    expect(status).toBe(0)
    expect(stdout).toBe((await hayai([])).stdout)
  })

  it('in JSON is one document with every command', async () => {
    const answer = JSON.parse((await hayai(['--json'])).stdout) as { ok: boolean; command: string; data: { commands: { name: string }[] } }
    expect(answer).toMatchObject({ ok: true, command: 'help' })
    expect(answer.data.commands.map(({ name }) => name)).toEqual(verbNames())
  })
})

describe.each(routes.map((route) => [route.grammar.name, route] as const))('hayai %s', (name, route) => {
  it('has help with usage, options, examples and exit statuses', async () => {
    const { status, stdout } = await hayai([...name.split(' '), '--help'])
    expect(status).toBe(0)
    for (const part of ['Usage', `hayai ${name}`, 'Options', '--json', 'Examples', 'Exit status', '0 ']) expect(stdout).toContain(part)
  })

  it('shows examples that its own grammar takes', async () => {
    expect(Object.keys(route.command.examples).length).toBeGreaterThan(0)
    for (const line of Object.keys(route.command.examples)) await accept(line)
  })
})

it.each(['list', 'snapshot list'])('help of %s can be had in three ways', async (name) => {
  const { stdout } = await hayai([...name.split(' '), '--help'])
  expect((await hayai(['help', ...name.split(' ')])).stdout).toBe(stdout)
  const answer: unknown = JSON.parse((await hayai([...name.split(' '), '--help', '--json'])).stdout)
  expect(answer).toMatchObject({ ok: true, command: name, data: { command: name, usage: `hayai ${name} [options]` } })
})

describe('the command lines of the specification', () => {
  it.each([
    'hayai snapshot mydb --compress --output ./my-backups',
    'hayai snapshot list',
    'hayai snapshot mydb --format tar --compress',
    'hayai snapshot mydb -o /custom/path',
    'hayai snapshot list -d /custom/snapshots',
    'hayai snapshot mydb -c',
    'hayai list --format json',
    'hayai start mydb',
    'hayai snapshot mydb && hayai remove mydb',
    'hayai snapshot mydb && hayai init -n mydb-new -e postgresql',
    'hayai list --running | xargs -I name hayai snapshot name',
    'hayai init --config .hayaidb',
    'hayai validate --config .hayaidb',
    'hayai init -n mydb -e postgresql -p 5432 --version 15 -y --exists-ok',
    'hayai init -n mydb -e sqlite --file ./existing.db',
    'hayai connect mydb --uri',
    'hayai logs mydb -f',
    'hayai remove mydb --keep-data -y --missing-ok',
    'hayai snapshot mydb --format sql --comment TEXT --tag T --json',
    'hayai snapshot verify 3f2a91c0',
    'hayai restore mydb --latest --to other --dry-run -y',
    'hayai undo mydb',
    'hayai undo',
  ])('%s', accept)
})
