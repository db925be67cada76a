// Writes the table of docs/ENGINES.md from the catalogue: `node scripts/write-engines.ts`.

import { readFile, writeFile } from 'node:fs/promises'
import { withTable } from '../src/engines/catalogue.ts'
import { parts } from '../src/parts.ts'

const target = new URL('../docs/ENGINES.md', import.meta.url)
await writeFile(target, withTable(await readFile(target, 'utf8'), Object.keys(parts.engines)))
console.log(`written: ${target.pathname}`)
