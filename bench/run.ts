// `npm run bench [-- --size 1GB --runs 3]`: Hayai beside the stock tools, in one run, in turns, as ratios of medians.
// Exit status 1 when a target is missed.

import { parseArgs } from 'node:util'
import { measureBackup } from './backup.ts'
import { measureCompose } from './compose.ts'
import { measureCompression } from './compression.ts'
import { measureDuckdb } from './duckdb.ts'
import { table, type Line } from './measure.ts'
import { measureMariadb } from './mariadb.ts'
import { measureBaseBackup, measurePostgresql } from './postgresql.ts'
import { measureRedis } from './redis.ts'
import { measureSqlite } from './sqlite.ts'
import { stage } from './stage.ts'
import { measureStartup } from './startup.ts'

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1GB' },
    runs: { type: 'string', default: '3' },
    only: { type: 'string', multiple: true, default: ['sqlite', 'duckdb', 'postgresql', 'mariadb', 'redis', 'startup'] },
  },
})

const bytes = bytesOf(values.size)
const runs = Number(values.runs)
const place = stage()
const lines: Line[] = []

process.once('SIGINT', () => void place.close().finally(() => process.exit(130)))

try {
  if (values.only.includes('duckdb')) lines.push(...(await measureDuckdb(place, { bytes: Math.min(bytes, 500e6), runs })))
  if (values.only.includes('sqlite')) lines.push(...(await measureSqlite(place, { bytes: Math.min(bytes, 256e6), runs })))
  if (values.only.includes('postgresql')) lines.push(...(await measurePostgresql(place, { bytes, runs })))
  if (values.only.includes('base-backup')) lines.push(...(await measureBaseBackup(place, { bytes, runs })))
  if (values.only.includes('compose')) lines.push(...(await measureCompose(place, { bytes, runs })))
  if (values.only.includes('mariadb')) lines.push(...(await measureMariadb(place, { bytes, runs })))
  if (values.only.includes('redis')) lines.push(...(await measureRedis(place, { bytes: Math.min(bytes, 500e6), runs })))
  if (values.only.includes('backup')) lines.push(...(await measureBackup(place, { bytes: bytes / 2, runs })))
  if (values.only.includes('compression')) await measureCompression(place, { bytes, runs })
  if (values.only.includes('startup')) lines.push(...(await measureStartup(place)))
} finally {
  await place.close()
}

if (lines.length > 0) console.log(`\n${table(lines)}`)
if (lines.some(({ verdict }) => verdict === 'MISSED')) process.exitCode = 1

function bytesOf(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(MB|GB)$/i.exec(text)
  if (match === null) throw new Error(`--size ${text}: write it like 500MB or 2GB`)
  return Number(match[1]) * (match[2]?.toUpperCase() === 'GB' ? 1e9 : 1e6)
}
