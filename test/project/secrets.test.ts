import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { generatePassword, Secret } from '../../src/base/secret.ts'
import { pathsOf } from '../../src/project/paths.ts'
import { keepSecret, readSecret, removeSecret } from '../../src/project/secrets.ts'
import { containing, freshFolder } from './folder.ts'

describe('secrets', () => {
  it('come back as they were kept, and print as dots', async () => {
    const root = await freshFolder()
    const password = new Secret(`it's "quoted" \\ and ünïcode\n`)
    await keepSecret(root, 'shop', { user: 'admin', password, database: 'shop' })
    const found = await readSecret(root, 'shop')
    expect(found?.password).toBeInstanceOf(Secret)
    expect(found?.password.reveal()).toBe(password.reveal())
    expect(found).toMatchObject({ user: 'admin', database: 'shop' })
    expect(`${JSON.stringify(found)} ${inspect(found)} ${String(found?.password)}`).not.toContain('quoted')
  })

  it('need neither a user nor a database', async () => {
    const root = await freshFolder()
    await keepSecret(root, 'cache', { password: generatePassword() })
    expect(Object.keys((await readSecret(root, 'cache')) ?? {})).toEqual(['password'])
  })

  it('lie in files and a folder for the owner alone, and leave no other file', async () => {
    const root = await freshFolder()
    await keepSecret(root, 'shop', { password: new Secret('old') })
    await keepSecret(root, 'shop', { password: new Secret('new') })
    const { secrets, secretFile } = pathsOf(root)
    expect((await stat(secretFile('shop'))).mode & 0o777).toBe(0o600)
    expect((await stat(secrets)).mode & 0o777).toBe(0o700)
    expect(await readdir(secrets)).toEqual(['shop.json'])
    expect(await readFile(secretFile('shop'), 'utf8')).toBe('{"password":"new"}\n')
  })

  it('that others may read are refused, with the command that puts it right', async () => {
    const root = await freshFolder()
    await keepSecret(root, 'shop', { password: new Secret('hunter2') })
    const file = pathsOf(root).secretFile('shop')
    for (const mode of [0o640, 0o604, 0o622]) {
      await chmod(file, mode)
      await expect(readSecret(root, 'shop')).rejects.toMatchObject({ code: 'WRONG_STATE', hint: `Run \`chmod 600 ${file}\`.` })
    }
    await chmod(file, 0o600)
    expect((await readSecret(root, 'shop'))?.password.reveal()).toBe('hunter2')
  })

  it.each([
    '',
    '{"password": "hunter2" x',
    '{"password": ["hunter2"]}',
    '"hunter2"',
    '{"user": "hunter2"}',
    '{"password": "x", "user": 5}',
  ])('that are damaged are refused without being shown: %j', async (content) => {
    const root = await freshFolder()
    await keepSecret(root, 'shop', { password: new Secret('x') })
    await writeFile(pathsOf(root).secretFile('shop'), content)
    const error: unknown = await readSecret(root, 'shop').catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'CORRUPT', message: containing('shop.json') })
    expect(inspect(error, { depth: 9 })).not.toContain('hunter2')
  })

  it('are gone when removed, and not there when never kept', async () => {
    const root = await freshFolder()
    expect(await readSecret(root, 'shop')).toBeUndefined()
    await removeSecret(root, 'shop')
    await keepSecret(root, 'shop', { password: new Secret('x') })
    await removeSecret(root, 'shop')
    expect(await readSecret(root, 'shop')).toBeUndefined()
  })

  it('cannot be kept under a name that leads elsewhere', async () => {
    const root = await freshFolder()
    await expect(keepSecret(root, '../../x', { password: new Secret('x') })).rejects.toMatchObject({ code: 'USAGE' })
    expect(await readdir(root)).toEqual([])
  })
})
