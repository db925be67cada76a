// The story that Hayai is for, on real databases in a throw-away project: fill, snapshot, damage, restore, undo. Every command
// is the built program, called as a person would; after each turn rows are counted and digested, and what does not fit fails.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { postgresqlShop, sqliteShop, type Digest, type Shop } from './demo-shops.ts'

const CHECKOUT = join(import.meta.dirname, '..')
const MISSING_ON_THIS_MACHINE = 6

const { bin } = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')) as { bin: { hayai: string } }
const program = join(CHECKOUT, bin.hayai)
const folder = mkdtempSync(join(tmpdir(), 'hayai-demo-'))

let proofs = 0
const failures: string[] = []

/** Runs a command in sight of the person. */
function show(...args: readonly string[]): void {
  console.log(`\n${styleText('bold', `$ hayai ${args.map((arg) => (/^[\w./=@:-]+$/.test(arg) ? arg : `'${arg}'`)).join(' ')}`)}`)
  const { status } = spawnSync(process.execPath, [program, ...args], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) throw new Error(`hayai ${args[0]} ended with status ${status}`)
}

/** Runs a command for its answer alone. */
function ask(...args: readonly string[]): { readonly status: number | null; readonly answer: unknown } {
  const ran = spawnSync(process.execPath, [program, ...args, '--json'], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return { status: ran.status, answer: JSON.parse(ran.stdout) }
}

function say(line: string): void {
  console.log(`\n${styleText('cyan', line)}`)
}

function prove(claim: string, holds: boolean): void {
  proofs++
  if (!holds) failures.push(claim)
  console.log(holds ? styleText('green', `  proven: ${claim}`) : styleText('red', `  NOT TRUE: ${claim}`))
}

function tell(digest: Digest): string {
  return digest.tables.map(({ name, rows }) => `${rows} ${name}`).join(', ') || 'nothing'
}

async function story(shop: Shop): Promise<void> {
  const { name } = shop
  say(`A shop opens: "${name}" gets customers, products and orders, made up on the spot.`)
  await shop.fill()
  const good = await shop.digest()
  console.log(`  ${tell(good)}; digest of all rows ${good.sha256.slice(0, 16)}`)

  show('snapshot', name, '--comment', 'before the migration')

  say('The migration goes wrong:')
  for (const statement of shop.damage) console.log(`  ${statement}`)
  await shop.wreck()
  const bad = await shop.digest()
  console.log(`  ${tell(bad)}; digest of all rows ${bad.sha256.slice(0, 16)}`)
  prove('the data is damaged', bad.sha256 !== good.sha256 && bad.tables.length < good.tables.length)

  show('restore', name, '--latest', '-y')
  const restored = await shop.digest()
  prove(`all is back: ${tell(restored)}`, JSON.stringify(restored.tables) === JSON.stringify(good.tables))
  prove('every row is as it was, by digest', restored.sha256 === good.sha256)

  say('A restore can be taken back, too: perhaps something in the damaged data was wanted.')
  show('undo', name, '-y')
  prove('undo leads to the data as it was before the restore', (await shop.digest()).sha256 === bad.sha256)
  show('redo', name, '-y')
  prove('redo leads to the restored data again', (await shop.digest()).sha256 === good.sha256)

  show('snapshot', 'verify', name, '--latest')
}

async function main(): Promise<void> {
  say(`A throw-away project in ${folder}`)
  show('init', '-n', 'shop', '-e', 'sqlite', '-y')
  await story(sqliteShop('shop', connection('shop').file ?? ''))

  say('The same with a PostgreSQL server, if its programs are on this machine.')
  const { status, answer } = ask('init', '-n', 'ledger', '-e', 'postgresql', '-y', '--dry-run')
  if (status === MISSING_ON_THIS_MACHINE) {
    const { error } = answer as { error: { message: string; hint?: string } }
    console.log(`  They are not: ${error.message}. ${error.hint ?? ''}`)
  } else {
    show('init', '-n', 'ledger', '-e', 'postgresql', '-y')
    show('start', 'ledger')
    await story(postgresqlShop('ledger', () => connection('ledger').uri))
  }

  show('list', '--format', 'table')
  show('snapshot', 'list')
}

function connection(name: string): { readonly file: string | null; readonly uri: string } {
  const { answer } = ask('connect', name)
  return (answer as { data: { file: string | null; uri: string } }).data
}

function cleanUp(): void {
  spawnSync(process.execPath, [program, 'stop'], { cwd: folder, stdio: 'ignore' })
  rmSync(folder, { recursive: true, force: true })
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    cleanUp()
    process.kill(process.pid, signal)
  })
}

try {
  await main()
} catch (error) {
  failures.push(error instanceof Error ? error.message : String(error))
} finally {
  cleanUp()
}
if (failures.length > 0) {
  console.error(`\n${styleText('red', 'The demo failed:')} ${failures.join('; ')}`)
  process.exitCode = 1
} else {
  say(`All ${proofs} claims held. The throw-away project is gone again. Next: \`npx hayai --help\`.`)
}
