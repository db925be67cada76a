// Plans that tell how they go, typed, on a real SQLite file: a hook that fails, one that hangs, a run that fails and then recovers, a
// plan that is silent, a receiver that is broken, and the metrics of it all.

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { HealthAnswer, NotificationView, RunAnswer, RunRecord } from '../../src/index.ts'
import type { WebhookBody } from '../../src/core/news/message.ts'
import { emptyFolder, hayai } from '../cli/terminal.ts'
import { flawsOf } from '../base/promtool.ts'
import { webReceiver, type Receiver } from '../news/receivers.ts'

const SECRET = 'T0PSECRETPATH'
let folder: Awaited<ReturnType<typeof emptyFolder>>
let web: Receiver
const at = (...names: readonly string[]): string => join(folder.path, ...names)
const type = (line: string) =>
  hayai(line.split(' '), { cwd: folder.path, env: { NEWS: `${web.url}/${SECRET}`, HAYAI_SECRET_QUIET: `${web.url}/${SECRET}/slack` } })
async function run(status: number): Promise<RunRecord> {
  web.got.splice(0)
  const outcome = await type('schedule run often --json')
  expect({ status: outcome.status, stderr: outcome.stderr }).toEqual({ status, stderr: '' })
  const said = JSON.parse(outcome.stdout) as { data: RunAnswer; error?: { details: { record: RunRecord } } }
  const record = said.error?.details.record ?? said.data.record
  if (record === null) throw new Error('nothing was run')
  return record
}
/** What the webhook was told. */
function events(): readonly WebhookBody[] {
  return web.got.filter(({ path }) => path.endsWith('/hook')).map(({ body }) => JSON.parse(body) as WebhookBody)
}
async function findings(): Promise<HealthAnswer['findings']> {
  const { stdout } = await type('health --json')
  return (JSON.parse(stdout) as { error: { details: HealthAnswer } }).error.details.findings
}
let declared = ''
function declare(hooks: string): void {
  writeFileSync(
    at('.hayaidb'),
    `${declared}global:
  security: {enable_secrets: true, secrets_backend: env}
  backup:
    metrics: shop.prom
    notifications:
      ops: {webhook: "\${NEWS}/hook", on: [failure, recovery, silence, success]}
      quiet: {slack: "secret:quiet"}
      check: {ping: "\${NEWS}/ping"}
    plans:
      often:
        schedule: "*/30 * * * *"
        take: snapshot
        hooks: ${hooks}
`,
  )
}

beforeAll(async () => {
  folder = await emptyFolder()
  web = await webReceiver()
  await type('init -n notes -e sqlite --file notes.db')
  const database = new DatabaseSync(at('notes.db'))
  database.exec('CREATE TABLE a (b); INSERT INTO a VALUES (1), (2)')
  database.close()
  declared = readFileSync(at('.hayaidb'), 'utf8')
})
afterAll(async () => {
  await web.close()
  await folder.remove()
})

it('stops before anything when the hook `before` fails, and says so in its words to everybody', async () => {
  declare(`{before: ["echo first", "echo the disk is not mounted >&2; exit 7"], on_failure: 'env | grep ^HAYAI_ | sort > told.txt'}`)
  const { stdout } = await type('validate')
  expect(stdout).toContain('Commands run before it and when it fails, each for at most 10 min.')
  expect(stdout).toContain('It tells ops, quiet and check how it went.')
  const record = await run(8)
  expect(record).toMatchObject({ outcome: 'failed', databases: [], error: { code: 'TOOL_FAILED' } })
  expect(record.error?.message).toContain('(exit 7): the disk is not mounted')
  expect(record.hooks).toMatchObject([
    { hook: 'before', command: 'echo first', exit: 0, output: 'first' },
    { hook: 'before', exit: 7, output: 'the disk is not mounted' },
    { hook: 'on_failure', exit: 0 },
  ])
  expect(existsSync(at('snapshots'))).toBe(false)
  const facts = readFileSync(at('told.txt'), 'utf8')
  expect(facts).toMatch(/^HAYAI_ERROR=the hook `before` .*disk is not mounted$/m)
  expect(facts).toMatch(/^HAYAI_HOOK=on_failure$/m)
  expect(facts).toMatch(/^HAYAI_OUTCOME=failed$/m)
  expect(readFileSync(at('.hayai/logs/hooks.log'), 'utf8')).toContain('the disk is not mounted')
  expect(web.got.map(({ path }) => path.split('/').slice(2).join('/')).toSorted()).toEqual(['hook', 'ping/fail', 'ping/start', 'slack'])
  expect(events()).toMatchObject([{ event: 'failure', plan: 'often', lastSuccess: null, run: { run: record.run } }])
  expect((await findings()).map(({ kind }) => kind)).toContain('plan-failed')
})

it('ends a hook that hangs, and all that it started', async () => {
  declare(`{before: "sleep 300 & sleep 300", timeout: 1s}`)
  const record = await run(8)
  expect(record.hooks).toMatchObject([{ how: 'timeout', exit: null }])
  expect(record.error?.message).toMatch(/took longer than 1 s and was ended/)
})

it('tells of a recovery, then of a success to those who want to know', async () => {
  declare(`{after: 'echo "$HAYAI_SNAPSHOTS $HAYAI_BYTES" > "$HAYAI_OUTCOME.txt"'}`)
  const record = await run(0)
  expect(record).toMatchObject({ outcome: 'done', hooks: [{ hook: 'after', exit: 0 }] })
  expect(readFileSync(at('done.txt'), 'utf8')).toBe(`${record.databases[0]?.snapshot} ${record.bytes}\n`)
  expect(events()).toMatchObject([{ event: 'recovery' }])
  expect(web.got.some(({ path }) => path.endsWith('/slack'))).toBe(true)
  await run(0)
  expect(events()).toMatchObject([{ event: 'success' }])
  expect(web.got.map(({ path }) => path.split('/').slice(2).join('/')).toSorted()).toEqual(['hook', 'ping', 'ping/start'])
})

it('keeps what was taken when the hook `after` fails', async () => {
  const before = readdirSync(at('snapshots')).length
  declare(`{after: "echo copied nowhere; false"}`)
  const record = await run(8)
  expect(record).toMatchObject({ outcome: 'failed', databases: [{ database: 'notes', error: null }], verified: 'digest' })
  expect(record.error?.message).toContain('copied nowhere')
  expect(readdirSync(at('snapshots')).length).toBeGreaterThan(before)
})

it('writes the metrics after each run, and promtool reads them', async () => {
  const text = readFileSync(at('shop.prom'), 'utf8')
  expect(text).toMatch(/^hayai_plan_last_run_success\{.*plan="often"\} 0$/m)
  expect(text).toMatch(/^hayai_copy_stored_bytes\{.*database="notes",copy="snapshot"\} \d+$/m)
  expect(text).toMatch(/^hayai_copy_verdict\{.*verdict="unproven"\} 1$/m)
  expect(text).toMatch(/^hayai_plan_next_run_timestamp_seconds\{.*\} \d+$/m)
  const { stdout } = await type('metrics')
  for (const input of [text, stdout]) expect(flawsOf(input)).toBe('')
  expect(await type('metrics -o nowhere/a.prom')).toMatchObject({ status: 10 })
})

it('tells once that a plan is silent, and that it is not any more', async () => {
  declare('{}')
  await run(0)
  const runs = at('.hayai/runs.jsonl')
  const old = new Date(Date.now() - 3 * 3600_000).toISOString()
  writeFileSync(runs, readFileSync(runs, 'utf8').replaceAll(/"(began|ended|at)":"[^"]*"/g, `"$1":"${old}"`))
  rmSync(at('.hayai/told.jsonl'))
  web.got.splice(0)
  expect((await findings()).map(({ kind }) => kind)).toContain('plan-silent')
  await findings()
  expect(events()).toMatchObject([{ event: 'silence', plan: 'often', lastSuccess: old, run: null }])
  await run(0)
  expect(events()).toMatchObject([{ event: 'recovery' }])
  expect((await findings()).map(({ kind }) => kind)).not.toContain('plan-silent')
})

it('is not held up by a receiver that is broken: health tells of it, until it takes a test', async () => {
  web.answer = 500
  const record = await run(0)
  expect(record.outcome).toBe('done')
  const undelivered = (await findings()).filter(({ kind }) => kind === 'undelivered').map(({ message }) => message)
  expect(undelivered).toEqual([expect.stringContaining('"ops"'), expect.stringContaining('"check"')])
  expect((await type('notify test ops')).status).toBe(8)
  web.answer = 200
  for (const name of ['ops', 'check']) expect((await type(`notify test ${name}`)).status).toBe(0)
  expect((await findings()).map(({ kind }) => kind)).not.toContain('undelivered')
  const listed = JSON.parse((await type('notify --json')).stdout) as { data: readonly NotificationView[] }
  expect(listed.data.map(({ name, kind, plans, last }) => [name, kind, plans, last?.ok])).toEqual([
    ['ops', 'webhook', ['often'], true],
    ['quiet', 'slack', ['often'], true],
    ['check', 'ping', ['often'], true],
  ])
  expect((await type('notify test opps')).stderr).toContain('Did you mean "ops"?')
})

it('shows no address anywhere', async () => {
  writeFileSync(at('.hayaidb'), readFileSync(at('.hayaidb'), 'utf8').replaceAll('${NEWS}', `${web.url}/${SECRET}`))
  await run(0)
  const said = []
  for (const line of ['notify', 'notify --json', 'validate', 'schedule', 'audit', 'metrics', 'backup'])
    said.push(JSON.stringify(await type(line)))
  expect(said.join('\n')).not.toContain(SECRET)
  writeFileSync(at('.hayaidb'), readFileSync(at('.hayaidb'), 'utf8').replace('webhook:', 'webhok:'))
  expect(JSON.stringify(await type('validate'))).toMatch(/did you mean \\\\?"webhook\\\\?"/)
  expect(JSON.stringify(await type('validate'))).not.toContain(SECRET)
  const found = spawnSync('grep', ['-rl', SECRET, '.hayai', 'snapshots', 'backups', 'shop.prom'], { cwd: folder.path, encoding: 'utf8' })
  expect(found.stdout).toBe('')
  expect(execFileSync('grep', ['-c', SECRET, '.hayaidb'], { cwd: folder.path, encoding: 'utf8' }).trim()).toBe('2')
})
