// `environment:` of Redis and Valkey, and what of it reaches the server's stdin.

import { describe, expect, it } from 'vitest'
import { NOTHING_AROUND } from '../../src/engines/engine.ts'
import { Secret } from '../../src/base/secret.ts'
import { redis } from '../../src/engines/redis.ts'
import { valkey } from '../../src/engines/valkey.ts'

const generated = new Secret('generated')
const read = (environment: Readonly<Record<string, string>>, engine = redis) => engine.settings(environment, generated)

describe('settings', () => {
  it('are the defaults where nothing is said', () => {
    const { server, ...rest } = read({})
    expect(rest).toEqual({ user: 'default', password: generated, database: '0', unknown: [] })
    expect(server).toEqual({ appendonly: 'no', save: '3600 1 300 100 60 10000' })
  })

  it('honour the names of the specification', () => {
    const { server, password, unknown } = read({
      REDIS_PASSWORD: 'password',
      REDIS_AOF_ENABLED: 'yes',
      REDIS_RDB_ENABLED: 'yes',
      REDIS_SAVE: '900 1 300 10 60 10000',
    })
    expect(password.reveal()).toBe('password')
    expect(server).toEqual({ appendonly: 'yes', save: '900 1 300 10 60 10000' })
    expect(unknown).toEqual([])
  })

  it('take yes and no in every spelling, and no other word', () => {
    for (const word of ['yes', 'Yes', 'TRUE', 'on', '1']) expect(read({ REDIS_AOF_ENABLED: word }).server['appendonly']).toBe('yes')
    for (const word of ['no', 'False', 'OFF', '0']) expect(read({ REDIS_AOF_ENABLED: word }).server['appendonly']).toBe('no')
    for (const word of ['', 'maybe', 'yes please']) {
      expect(() => read({ REDIS_AOF_ENABLED: word })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error)
    }
  })

  it('know a schedule from what is none', () => {
    expect(read({ REDIS_SAVE: ' 900  1\t60 2 ' }).server['save']).toBe('900 1 60 2')
    expect(read({ REDIS_SAVE: '' }).server['save']).toBe('')
    expect(read({ REDIS_SAVE: '900 1', REDIS_RDB_ENABLED: 'no' }).server['save']).toBe('')
    expect(read({ REDIS_RDB_ENABLED: 'no', REDIS_SAVE: '900 1' }).server['save']).toBe('')
    for (const wrong of ['900', '900 1 300', 'often', '0 1', '-1 1', '900,1']) {
      expect(() => read({ REDIS_SAVE: wrong }), wrong).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error)
    }
  })

  it('pass on settings of the server, and warn of what is none, or not for people to set', () => {
    const { server, unknown } = read({
      REDIS_MAXMEMORY: '64mb',
      REDIS_DATABASES: '4',
      REDIS_DIR: '/',
      REDIS_REQUIREPASS: 'x',
      POSTGRES_DB: 'x',
      REDIS_: 'x',
    })
    expect(server).toMatchObject({ maxmemory: '64mb', databases: '4' })
    expect(unknown).toEqual(['REDIS_DIR', 'REDIS_REQUIREPASS', 'POSTGRES_DB', 'REDIS_'])
  })

  it('refuse what would be a line of its own, or a password that no server takes, without repeating it', () => {
    expect(() => read({ REDIS_MAXMEMORY: '1mb\nrequirepass ""' })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error)
    for (const password of ['secret\nline', 's'.repeat(513)]) {
      expect(() => read({ REDIS_PASSWORD: password })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error)
      expect(() => read({ REDIS_PASSWORD: password })).not.toThrow('secret')
    }
  })

  it('of Valkey may be called by either name', () => {
    const { server, password, unknown } = read({ VALKEY_PASSWORD: 'a', VALKEY_AOF_ENABLED: 'yes', REDIS_SAVE: '60 1', OTHER: 'x' }, valkey)
    expect(password.reveal()).toBe('a')
    expect(server).toEqual({ appendonly: 'yes', save: '60 1' })
    expect(unknown).toEqual(['OTHER'])
    expect(read({ VALKEY_AOF_ENABLED: 'yes' }).unknown).toEqual(['VALKEY_AOF_ENABLED'])
  })
})

describe('what the server is told', () => {
  const serve = (environment: Readonly<Record<string, string>>, purpose: 'live' | 'filling' = 'live', found: readonly string[] = []) => {
    if (redis.recipe.shape !== 'server') throw new Error('no server')
    return redis.recipe.serve(
      { dataDir: '/data', port: 5000, settings: read(environment), passwordFile: '', found, around: NOTHING_AROUND },
      purpose,
    )
  }

  it('goes through its stdin, with every character of the password', () => {
    const { args, input } = serve({ REDIS_PASSWORD: `it's "a" pass word\\ é #$` })
    expect(args).toEqual(['-'])
    expect(input).toContain('requirepass "it\'s\\x20\\x22a\\x22\\x20pass\\x20word\\x5c\\x20\\xc3\\xa9\\x20#$"\n')
    expect(input).toContain('\nbind "127.0.0.1"\n')
  })

  it('is to read what is there: a log if there is one, whatever is wanted', () => {
    expect(serve({ REDIS_AOF_ENABLED: 'yes' }).input).toContain('\nappendonly "no"\n')
    expect(serve({}, 'live', ['appendonly.aof']).input).toContain('\nappendonly "yes"\n')
  })

  it('has no settings of its own in a twin, which saves and forgets nothing', () => {
    const { input } = serve({ REDIS_MAXMEMORY: '1mb', REDIS_SAVE: '60 1' }, 'filling')
    expect(input).not.toContain('maxmemory')
    expect(input).toContain('\nsave ""\n')
    expect(input).toContain('\nreplicaof "127.0.0.1" "0"\n')
  })

  it('is never more than a pipe takes at once', () => {
    expect(() => serve({ REDIS_CLIENT_OUTPUT_BUFFER_LIMIT: 'normal 0 0 0 '.repeat(200) })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error,
    )
    expect(Buffer.byteLength(serve({ REDIS_PASSWORD: 'é'.repeat(256) }).input ?? '')).toBeLessThanOrEqual(4096)
  })
})
