// What `.hayaidb` may say. One schema, from which come the checks, the types, and the JSON Schema that editors read.
// Every message completes the sentence "<key> must be ...".

import { z } from 'zod'
import { NAME_PATTERN } from '../base/names.ts'
import { backup } from './backup-schema.ts'

/** Where databases can live, by DESIGN: not every one of them need be built in. */
const RUNTIMES = ['native', 'embedded', 'compose'] as const

/** The names that the parts give to the schema. */
export interface Vocabulary {
  readonly engines: readonly string[]
  readonly runtimes?: readonly string[]
  /** The engines of which only `.hayaidb` can tell the image, the folder of the data and the port. */
  readonly described?: readonly string[]
}

export const NAME_RULE = '1 to 63 small letters, digits, "-" and "_", beginning with a letter or a digit'
export const VARIABLE_PATTERN = /^[A-Za-z_][A-Za-z0-9_]*$/
// Keys are checked by check.ts: zod would not look into the value of a key that is wrong. Editors get the rule from here.
const key = (pattern: RegExp) => z.string().meta({ pattern: pattern.source })

const line = (what: string) => z.string(what).min(1, what)
/** A section that is there but empty is as good as one that is not there. */
const orEmpty = <T extends z.core.SomeType>(section: T) => z.nullable(section)

const tables = z.strictObject(
  { tables: z.exactOptional(z.array(line('the name of a table'), 'a list of tables')) },
  'a mapping with `tables`',
)

const environment = z.record(
  key(VARIABLE_PATTERN),
  z.union([z.string(), z.number(), z.boolean()], 'a text, a number, true or false'),
  'a mapping of names to values',
)

const healthcheck = z.strictObject(
  {
    test: z.exactOptional(z.union([line('a command'), z.array(line('a word of a command'))], 'a command, as a text or a list')),
    interval: z.exactOptional(line('a duration, such as 10s')),
    timeout: z.exactOptional(line('a duration, such as 10s')),
    start_period: z.exactOptional(line('a duration, such as 10s')),
    retries: z.exactOptional(z.int('a whole number').min(0, 'a whole number from 0 on')),
    disable: z.exactOptional(z.boolean('true or false')),
  },
  'a mapping',
)

const ADDRESS_RULE = 'an address, such as https://vault.example.org:8200'
const vault = z.strictObject(
  {
    address: z.exactOptional(z.string(ADDRESS_RULE).regex(/^https?:\/\/\S+$/, ADDRESS_RULE)),
    mount: z.exactOptional(line('the path of a KV engine of version 2, such as secret')),
    path: z.exactOptional(line('a path below it')),
    namespace: z.exactOptional(line('a namespace')),
    ca_cert: z.exactOptional(line('the path of a file')),
    role_id: z.exactOptional(line('the role id of an AppRole')),
  },
  'a mapping',
)

const global = z.strictObject(
  {
    backup: z.exactOptional(backup),
    security: z.exactOptional(
      z.strictObject(
        {
          enable_ssl: z.exactOptional(z.boolean('true or false')),
          ssl_cert_path: z.exactOptional(line('the path of a folder')),
          enable_secrets: z.exactOptional(z.boolean('true or false')),
          secrets_backend: z.exactOptional(z.enum(['env', 'file', 'vault'], 'one of env, file, vault')),
          secrets_file: z
            .exactOptional(line('the path of a file'))
            .meta({ description: 'Of the backend `file`: secrets.age when not given.' }),
          vault: z.exactOptional(orEmpty(vault)).meta({ description: 'Of the backend `vault`. Its token is never here.' }),
        },
        'a mapping',
      ),
    ),
  },
  'a mapping',
)

export function configSchema({ engines, runtimes = RUNTIMES }: Vocabulary) {
  const database = z.strictObject(
    {
      engine: z.enum(engines, `one of ${engines.join(', ')}`).meta({ description: 'The kind of database.' }),
      runtime: z.exactOptional(z.enum(runtimes, `one of ${runtimes.join(', ')}`)).meta({ description: 'Where it lives.' }),
      version: z
        .exactOptional(z.union([z.string().regex(/^[0-9A-Za-z][0-9A-Za-z._-]*$/), z.number().positive()], 'a version, such as "15"'))
        .meta({ description: 'The version of the server that is wanted.' }),
      port: z
        .exactOptional(
          z.union([z.int(PORT_RULE).min(1, PORT_RULE).max(65_535, PORT_RULE), z.string().regex(/^\d{0,5}:\d{1,5}$/, PORT_RULE)], PORT_RULE),
        )
        .meta({
          description:
            'Its port on loopback. Without it, Hayai finds a free one from 5000 to 6000. "5400:6333", or ":6333", tells besides where it listens in its container.',
        }),
      file: z.exactOptional(line('the path of a file')).meta({ description: 'The database file, relative to the folder of this file.' }),
      container: z
        .exactOptional(z.string(CONTAINER_RULE).regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, CONTAINER_RULE))
        .meta({ description: 'A container that others made, and in which the database is.' }),
      environment: z
        .exactOptional(orEmpty(environment))
        .meta({ description: 'User, password, database and settings, by the names that the official image of the engine uses.' }),
      volumes: z
        .exactOptional(orEmpty(z.array(line('a volume, such as "./backups:/backups"'), 'a list of volumes')))
        .meta({ description: 'Volumes and folders that its container sees.' }),
      memory: z
        .exactOptional(
          z.union([z.string().regex(/^\d+(\.\d+)?([kmgKMG]i?)?[bB]?$/), z.int().positive()], 'an amount of memory, such as 512m'),
        )
        .meta({ description: 'The most memory that its container may use.' }),
      restart: z
        .exactOptional(z.string(RESTART_RULE).regex(/^(no|always|unless-stopped|on-failure(:\d+)?)$/, RESTART_RULE))
        .meta({ description: 'When its container is started again.' }),
      image: z.exactOptional(line('the name of an image')).meta({ description: 'The image of its container.' }),
      data: z
        .exactOptional(z.string(DATA_RULE).regex(/^(\/[A-Za-z0-9_][\w.-]*)+$/, DATA_RULE))
        .meta({ description: 'The folder of its data in its container.' }),
      quiesce: z.exactOptional(line('stop, pause, or a command')).meta({
        description:
          'How a copy of its data folder is of one moment: stop, pause, or a command that runs in its container before the pause.',
      }),
      healthcheck: z.exactOptional(healthcheck).meta({ description: 'How its container is found healthy.' }),
      backup: z.exactOptional(tables).meta({ description: 'Tables whose rows a backup also exports, each to a file of its own.' }),
    },
    'a mapping with an `engine`',
  )
  return z.strictObject(
    {
      version: z.exactOptional(z.literal(['1.0', 1], '"1.0"')).meta({ description: 'The version of this file format.' }),
      project: z.exactOptional(z.string('a name').regex(NAME_PATTERN, NAME_RULE)).meta({ description: 'The name of the project.' }),
      databases: z.exactOptional(orEmpty(z.record(key(NAME_PATTERN), database, 'a mapping of names to databases'))),
      backup: z.exactOptional(tables),
      global: z.exactOptional(orEmpty(global)),
    },
    'a mapping with keys such as `project` and `databases`',
  )
}

const CONTAINER_RULE = 'the name of a container'
const PORT_RULE = 'a whole number from 1 to 65535'
const DATA_RULE = 'an absolute path, such as /data'
const RESTART_RULE = 'one of no, always, on-failure, unless-stopped'

export type RawConfig = z.infer<ReturnType<typeof configSchema>>

/** The same as JSON Schema, for editors. */
export function jsonSchema(vocabulary: Vocabulary): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(configSchema(vocabulary), { io: 'input', target: 'draft-7' })
  return { $schema, title: 'Hayai project (.hayaidb)', ...rest }
}

/** What hayaidb.schema.json holds. */
export function schemaText(vocabulary: Vocabulary): string {
  return `${JSON.stringify(jsonSchema(vocabulary), null, 2)}\n`
}
