// The same on Valkey, where its programs are: Debian 12 has none.

import { afterEach, describe, expect, it } from 'vitest'
import { valkey } from '../../src/engines/valkey.ts'
import { endAll, fillRichly, never, noValkey, start } from './redis-server.ts'

describe.skipIf(noValkey)('valkey (needs valkey-server)', () => {
  afterEach(endAll)

  it.each([{}, { VALKEY_AOF_ENABLED: 'yes' }])('brings back every type, over the next start too: %o', async (environment) => {
    const server = await start({ engine: valkey, environment })
    fillRichly(server)
    const before = server.everything()
    const { bytes, facts } = await server.dumped()
    expect(facts.product).toBe('Valkey')
    server.tell('FLUSHALL\nFUNCTION FLUSH\nSET wreck 1')
    await server.restored(bytes, (found) => expect(found.census).toEqual(facts.census))
    expect(server.everything()).toBe(before)
    await server.site.stop()
    await server.site.start(never)
    expect(server.everything()).toBe(before)
  })

  it('counts hashes whose fields have times to live', async ({ skip }) => {
    const server = await start({ engine: valkey })
    server.tell('HSET h a 1 b 2\nSET other 1')
    skip(server.cli('COMMAND', 'INFO', 'HEXPIRE') === '', 'Valkey has them from version 9 on')
    server.cli('HEXPIRE', 'h', '1000', 'FIELDS', '1', 'a')
    const { bytes, facts } = await server.dumped()
    await server.restored(bytes, (found) => expect(found.census).toEqual(facts.census))
    expect(server.cli('HTTL', 'h', 'FIELDS', '1', 'a')).not.toBe('-1')
  })
})
