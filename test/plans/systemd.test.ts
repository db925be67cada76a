// schedule install with the account's own systemd: a real one, in a place of its own where it finds what it needs of a system that was
// booted with it. Only the superuser can make such a place; elsewhere install.test.ts has what systemd would get read by its programs.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { hayai, PROGRAM } from '../cli/terminal.ts'

const SYSTEMD = '/usr/lib/systemd/systemd'
const PLACE = `
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system
mount -t tmpfs tmpfs /sys/fs/cgroup && mkdir -p /sys/fs/cgroup/systemd
mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd || mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -m 700 /run/account
export XDG_RUNTIME_DIR=/run/account
${SYSTEMD} --user --log-target=console >/dev/null 2>&1 &
systemd=$!
trap 'kill $systemd; wait $systemd' EXIT
for _ in $(seq 100); do systemctl --user show-environment >/dev/null 2>&1 && break; sleep 0.1; done
`

let above = ''
function inside(script: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const env = { PATH: process.env['PATH'] ?? '', HOME: above, TZ: 'UTC', LC_ALL: 'C.UTF-8' }
  const text = `${PLACE}\ncd ${above}/shop\nhayai() { ${process.execPath} ${PROGRAM} "$@"; }\n${script}`
  return spawnSync('unshare', ['-m', 'bash', '-c', text], { encoding: 'utf8', env, timeout: 50_000 })
}

beforeAll(async () => {
  above = await mkdtemp(join(tmpdir(), 'hayai-systemd-'))
})
afterAll(() => rm(above, { recursive: true, force: true }))

const can = existsSync(SYSTEMD) && spawnSync('unshare', ['-m', 'bash', '-c', `${PLACE} systemctl --user show-environment`]).status === 0

it.runIf(can)('a timer for each plan runs it, is brought up to date, and is gone when it is taken back', async () => {
  const shop = join(above, 'shop')
  const file = join(shop, '.hayaidb')
  await mkdir(shop)
  await hayai(['init', '-n', 'notes', '-e', 'sqlite'], { cwd: shop })
  const declared = await readFile(file, 'utf8')
  await writeFile(file, `${declared}global: {backup: {schedule: "20 2 * * *", plans: {often: {take: snapshot, schedule: "* * * * *"}}}}\n`)
  const entry = { kind: 'watched', plan: 'often', schedule: '* * * * * UTC', at: '2020-01-01T00:00:00.000Z' }
  await appendFile(join(shop, '.hayai/runs.jsonl'), `${JSON.stringify(entry)}\n`)
  const { status, stdout, stderr } = inside(`
    set -e
    hayai schedule install --with systemd --json | jq -r '[.data.with, .data.changed] | @text'
    systemctl --user list-timers --all --no-legend | grep -o 'hayai-shop-[0-9a-f]*-[a-z]*.timer' | sed 's/[0-9a-f]\\{8\\}/KEY/' | sort
    hayai schedule install --json | jq -r '[.data.with, .data.changed] | @text'
    unit=$(ls ~/.config/systemd/user | grep -- '-often.service')
    systemctl --user start "$unit"
    hayai schedule --json | jq -c '[.data.callers[0].current, (.data.plans[] | select(.name == "often") | .last.outcome)]'
    sed -i 's/, plans:.*/}}/' .hayaidb
    hayai schedule --json | jq -c '.data.callers[0].current'
    hayai schedule install --json | jq -c '[.data.jobs[].plan]'
    ls ~/.config/systemd/user | grep -c timer$
    hayai schedule remove --json | jq -c '.data.removed'
    systemctl --user list-timers --all --no-legend | wc -l`)
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.not.stringContaining('error') as string })
  expect(stdout.trim().split('\n')).toEqual([
    '["systemd",true]',
    'hayai-shop-KEY-default.timer',
    'hayai-shop-KEY-often.timer',
    '["systemd",false]',
    '[true,"done"]',
    'false',
    '["default"]',
    '1',
    '[{"with":"systemd","plan":"default"}]',
    '0',
  ])
  expect((await readdir(join(above, '.config/systemd/user'))).filter((name) => name.startsWith('hayai'))).toEqual([])
  expect((await readdir(join(shop, 'snapshots'))).filter((name) => name.endsWith('.json')).length).toBeGreaterThan(0)
})
