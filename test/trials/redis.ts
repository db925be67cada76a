// Redis on the stage, and Valkey: Chinook as hashes, sets and sorted sets, in two dbs, some with a time to live.

import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { freePort } from '../../src/base/ports.ts'
import type { Project } from '../../src/index.ts'
import { onPath } from '../engines/redis-server.ts'
import type { Actor } from './actor.ts'
import { sh } from './stage.ts'

const CHINOOK = join(import.meta.dirname, '../../../shared/data/chinook/Chinook_Sqlite.sqlite')
const EVERYTHING = join(import.meta.dirname, '../engines/redis-everything.lua')

const actor = (engine: string, title: string): Actor => {
  /** Many commands at once, by the line or as the protocol has them. One that fails, fails all. */
  const pipe = async (project: Project, name: string, commands: string | Buffer): Promise<void> => {
    const { port, env } = await login(project, name)
    execFileSync(`${engine}-cli`, ['-p', port, '--pipe'], { env: { ...process.env, ...env }, input: commands, stdio: 'pipe' })
  }
  return {
    engine,
    missing: [`${engine}-server`, `${engine}-cli`].every(onPath) ? undefined : `no programs of ${title} on this machine`,
    async fill(project, name) {
      const lines = [...rows(), 'SELECT 2', ...Array.from({ length: 300 }, (_, n) => `SET session:${n} "{user: ${n}}" EX ${100_000 + n}`)]
      await pipe(project, name, `${lines.join('\n')}\n`)
    },
    async damage(project, name) {
      await this.run(
        project,
        name,
        'DEL track:1 album:3 genres\nHSET track:2 Name wrecked\nZADD prices 99 track:1\nSELECT 2\nFLUSHDB\nINCR wreck',
      )
    },
    async dump(project, name) {
      const { port, env } = await login(project, name)
      return sh(`${engine}-cli`, ['-p', port, '-e', '--eval', EVERYTHING, ',', '16'], env)
    },
    async run(project, name, statements) {
      const { port, env } = await login(project, name)
      return sh(`${engine}-cli`, ['-p', port, '-e'], env, `${statements}\n`).trim()
    },
    servers: 1,
    disk: { megabytes: 80, enough: 12 },
    async ballast(project, name, megabytes) {
      const values = Array.from({ length: megabytes * 1000 }, (_, n) => [`ballast:${n + 1}`, randomBytes(1000)] as const)
      const command = ([key, value]: (typeof values)[number]) => [
        Buffer.from(`*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${value.length}\r\n`),
        value,
        Buffer.from('\r\n'),
      ]
      await pipe(project, name, Buffer.concat(values.flatMap(command)))
    },
    async halve(project, name) {
      const weight = await this.weight(project, name)
      await pipe(project, name, Array.from({ length: weight / 2 }, (_, n) => `DEL ballast:${2 * n + 1}\n`).join(''))
    },
    async weight(project, name) {
      return Number(await this.run(project, name, 'DBSIZE'))
    },
    async byHand(_project, _bare, lines, folder) {
      const port = String(await freePort())
      const env = { PATH: process.env['PATH'] ?? '' }
      try {
        for (const line of lines) {
          const meant = line
            .replaceAll('FOLDER', 'byhand')
            .replaceAll('PORT', port)
            .replace(/ {3}#.*/, '')
          execFileSync('sh', ['-ec', meant], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] })
        }
        return sh(`${engine}-cli`, ['-p', port, '-e', '--eval', EVERYTHING, ',', '16'], env)
      } finally {
        sh(`${engine}-cli`, ['-p', port, 'SHUTDOWN', 'NOSAVE'], env)
      }
    },
  }
}

export const redis = actor('redis', 'Redis')
export const valkey = actor('valkey', 'Valkey')

function rows(): readonly string[] {
  const place = existsSync(CHINOOK) ? CHINOOK : undefined
  return place === undefined ? ownRows() : chinookRows(place)
}

function ownRows(): readonly string[] {
  return Array.from({ length: 2000 }, (_, n) => `HSET track:${n} id ${n} Name "Träck ${n} \\x00\\xff" Milliseconds ${n * 17}`).concat(
    Array.from({ length: 2000 }, (_, n) => `ZADD prices ${n % 7}.5 track:${n}`),
    ['SADD genres rock jazz', 'HSET album:3 Title third'],
  )
}

function chinookRows(file: string): readonly string[] {
  const database = new DatabaseSync(file, { readOnly: true })
  const lines: string[] = []
  const tables = database.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'`).all()
  for (const table of tables.map((row) => String(row['name']))) {
    for (const [at, row] of database.prepare(`SELECT * FROM "${table}"`).all().entries()) {
      const fields = Object.entries(row).filter(([, value]) => value !== null)
      const key = table.toLowerCase()
      lines.push(`HSET ${key}:${at + 1} ${fields.map(([column, value]) => `${column} ${quoted(String(value))}`).join(' ')}`)
      if (table === 'Track')
        lines.push(`ZADD prices ${String(row['UnitPrice'])} track:${at + 1}`, `RPUSH tracks ${quoted(String(row['Name']))}`)
      if (table === 'Genre') lines.push(`SADD genres ${quoted(String(row['Name']))}`)
    }
  }
  database.close()
  return lines
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`
}

async function login(project: Project, name: string): Promise<{ readonly port: string; readonly env: Record<string, string> }> {
  const { port, password } = await project.connect(name)
  return { port: String(port), env: { REDISCLI_AUTH: password?.reveal() ?? '' } }
}
