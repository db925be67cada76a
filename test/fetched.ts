// Where scripts/fetch-servers.sh puts the programs that it fetches.

import { join } from 'node:path'

export const FETCHED = process.getuid?.() === 0 ? '/var/cache/hayai-tests' : join(import.meta.dirname, '../node_modules/.cache')
