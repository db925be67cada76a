import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parts } from '../../src/parts.ts'
import { jsonSchema, schemaText } from '../../src/project/schema.ts'
import { containing } from './folder.ts'

const rooms = resolve(import.meta.dirname, '../../src/project')

describe('hayaidb.schema.json', () => {
  it('is what the schema of today gives: `node scripts/write-schema.ts` writes it', () => {
    const committed = readFileSync(resolve(import.meta.dirname, '../../hayaidb.schema.json'), 'utf8')
    expect(committed).toBe(schemaText({ engines: Object.keys(parts.engines) }))
  })

  it('tells editors the keys, the engines and the rules for names', () => {
    expect(jsonSchema({ engines: ['redis', 'sqlite'] })).toMatchObject({
      $schema: containing('json-schema.org'),
      additionalProperties: false,
      properties: {
        databases: {
          anyOf: [
            {
              propertyNames: { pattern: '^[a-z0-9][a-z0-9_-]{0,62}$' },
              additionalProperties: {
                required: ['engine'],
                properties: {
                  engine: { enum: ['redis', 'sqlite'] },
                  port: { anyOf: [{ minimum: 1, maximum: 65_535 }, { type: 'string' }] },
                },
              },
            },
            { type: 'null' },
          ],
        },
      },
    })
  })
})

describe('quick commands', () => {
  it('do not load YAML or the schema library to find the project, its catalog and its paths', () => {
    const loaded = new Set<string>()
    const visit = (file: string): void => {
      if (loaded.has(file)) return
      loaded.add(file)
      // Imports that are left when the types are stripped; import() is loaded when it is reached.
      for (const [, names] of readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*? from '([^']+)'$/gm)) {
        if (names === undefined || names.startsWith('node:')) continue
        const target = join(dirname(file), names)
        if (names.startsWith('.') && existsSync(target)) visit(target)
        else loaded.add(names)
      }
    }
    for (const name of ['locate', 'catalog', 'config', 'paths', 'ports', 'secrets']) visit(join(rooms, `${name}.ts`))
    expect([...loaded].filter((each) => !each.startsWith('/'))).toEqual([])
    expect([...loaded].map((each) => each.slice(rooms.length + 1))).toEqual(
      expect.arrayContaining(['config.ts', 'shape.ts', 'refusals.ts']),
    )
    visit(join(rooms, 'check.ts'))
    expect([...loaded]).toEqual(expect.arrayContaining(['yaml', 'zod'])) // so that the walk above can see them
  })
})
