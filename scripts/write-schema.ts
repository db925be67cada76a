// Writes hayaidb.schema.json, which editors use to check and complete `.hayaidb`: `node scripts/write-schema.ts`.

import { writeFile } from 'node:fs/promises'
import { parts } from '../src/parts.ts'
import { schemaText } from '../src/project/schema.ts'

const target = new URL('../hayaidb.schema.json', import.meta.url)
await writeFile(target, schemaText({ engines: Object.keys(parts.engines) }))
console.log(`written: ${target.pathname}`)
