// The rows alone of tables that `.hayaidb` names: each engine's stock program takes them into an empty table of that name.

import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cast } from './cast.ts'
import { stage, type Stage } from './stage.ts'

const actors = cast.filter(({ missing, engine }) => missing === undefined && engine !== 'redis')

describe.runIf(actors.length > 0)('tables by themselves', () => {
  let scene: Stage
  let folder = ''
  beforeAll(async () => {
    scene = await stage()
    const databases = actors.map(
      ({ engine }) => `  my-${engine}:\n    engine: ${engine}\n    backup:\n      tables: [only_${engine}, nowhere]\n`,
    )
    await writeFile(join(scene.root, '.hayaidb'), `version: "1.0"\nbackup:\n  tables: [people, missing]\ndatabases:\n${databases.join('')}`)
    await scene.project.initDeclared()
    await scene.project.start([])
    for (const { engine, run } of actors) {
      const values = `(1, 'a;b'), (2, 'it''s'), (3, 'COPY x FROM stdin;'), (4, NULL)`
      const statements = ['people', `only_${engine}`, 'others'].map(
        (table) => `CREATE TABLE ${table} (id int, name varchar(50)); INSERT INTO ${table} VALUES ${values};`,
      )
      const actor = actors.find((each) => each.engine === engine)
      if (actor !== undefined) await run.call(actor, scene.project, `my-${engine}`, statements.join('\n'))
    }
    const answer = await scene.project.backup()
    folder = answer.backup?.path ?? ''
    expect(answer.notes).toEqual([
      'The table "missing" of `backup.tables` is in none of these databases.',
      ...actors.map(({ engine }) => `The table "nowhere" of \`backup.tables\` is not in "my-${engine}".`),
    ])
  })
  afterAll(() => scene.close())

  it('have a file each, and belong to the backup', async () => {
    const files = (await readdir(folder)).filter((name) => name.endsWith('_data.sql'))
    expect(files.toSorted()).toEqual(actors.flatMap(({ engine }) => [`my-${engine}_people_data.sql`, `only_${engine}_data.sql`]).toSorted())
    expect((await scene.project.verifyBackup({})).ok).toBe(true)
  })

  it.each(actors)('come back into $engine', async (actor) => {
    const name = `my-${actor.engine}`
    const rows = 'SELECT id, name FROM people ORDER BY id;'
    const before = await actor.run(scene.project, name, rows)
    expect(before).toContain('COPY x FROM stdin;')
    await actor.run(scene.project, name, 'DELETE FROM people; DELETE FROM others;')
    await actor.run(scene.project, name, await readFile(join(folder, `${name}_people_data.sql`), 'utf8'))
    expect(await actor.run(scene.project, name, rows)).toBe(before)
    expect(await actor.run(scene.project, name, 'SELECT count(*) FROM others;')).toContain('0')
  })
})
