// The program under test, from its source: `node test/cli/hayai.ts list`.

import { enableCompileCache } from 'node:module'

enableCompileCache()
const { main } = await import('../../src/cli/main.ts')
await main(process.argv.slice(2), '0.0.0-test')
