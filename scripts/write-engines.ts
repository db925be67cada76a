// Writes the table of docs/ENGINES.md from the catalogue: `node scripts/write-engines.ts`.

import { readFile, writeFile } from 'node:fs/promises'
import { runtimesOf } from '../src/core/context.ts'
import { withTable } from '../src/engines/catalogue.ts'
import { parts } from '../src/parts.ts'

const able = Object.fromEntries(Object.values(parts.engines).map((engine) => [engine.name, runtimesOf(parts, engine)]))
const target = new URL('../docs/ENGINES.md', import.meta.url)
await writeFile(target, withTable(await readFile(target, 'utf8'), able))
console.log(`written: ${target.pathname}`)
