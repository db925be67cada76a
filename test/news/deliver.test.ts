// Each kind of notification, told something by real servers on loopback: what arrives, and what is said of what does not.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { deliver } from '../../src/core/news/deliver.ts'
import { messageOfRun, messageOfTest, type WebhookBody } from '../../src/core/news/message.ts'
import { fromEnvironment } from '../../src/core/news/values.ts'
import type { RunRecord } from '../../src/core/schedule-answers.ts'
import type { Notification } from '../../src/project/notifications.ts'
import { emptyFolder } from '../cli/terminal.ts'
import { certificateIn, mailReceiver, webReceiver, type Certificate, type Receiver } from './receivers.ts'

const RUN: RunRecord = {
  run: '0011223344556677',
  plan: 'daily',
  slot: '2026-11-26T02:00:00.000Z',
  began: '2026-11-26T02:00:01.000Z',
  ended: '2026-11-26T02:00:09.000Z',
  outcome: 'failed',
  take: 'snapshot',
  backup: null,
  databases: [
    { database: 'shop', snapshot: 'a'.repeat(32), bytes: 4096, error: null },
    { database: 'notes', snapshot: null, bytes: 0, error: { code: 'TOOL_FAILED', message: 'it is <broken> & "gone"' } },
  ],
  bytes: 4096,
  verified: null,
  copies: [],
  deleted: [],
  hooks: [],
  error: { code: 'TOOL_FAILED', message: 'it is <broken> & "gone"' },
}
const FAILURE = messageOfRun('failure', RUN, { project: 'Ladén', plan: 'daily', at: new Date(RUN.ended), lastSuccess: null })
const PATIENT = { once: 20_000, pauses: [10, 20] }
/** For those who never answer. */
const HASTY = { once: 500, pauses: [10, 20] }

function notification(kind: Notification['kind'], address: string, more: Partial<Notification> = {}): Notification {
  const none = { from: undefined, to: [], user: undefined, password: undefined, token: undefined, ca: undefined }
  return { name: 'ops', kind, on: ['failure'], address: new Secret(address), ...none, ...more }
}

let folder: Awaited<ReturnType<typeof emptyFolder>>
let own: Certificate
let other: Certificate
let web: Receiver
beforeAll(async () => {
  folder = await emptyFolder()
  own = certificateIn(folder.path)
  other = certificateIn(folder.path, 'elsewhere')
  web = await webReceiver()
})
afterAll(async () => {
  await web.close()
  await folder.remove()
})
async function told(each: Notification, message = FAILURE, patience = PATIENT) {
  web.got.splice(0)
  const [delivery] = await deliver([each], message, fromEnvironment, patience)
  return delivery
}

describe('what arrives', () => {
  it('at a webhook is the documented JSON', async () => {
    web.answer = 204
    process.env['NEWS_PATH'] = 'a/b'
    process.env['NEWS_TOKEN'] = 'tk_1'
    const token = new Secret('${NEWS_TOKEN}')
    expect(await told(notification('webhook', `${web.url}/\${NEWS_PATH}?x=1`, { token }))).toEqual({
      notification: 'ops',
      event: 'failure',
      ok: true,
      tries: 1,
      error: null,
    })
    expect(web.got).toMatchObject([
      { path: '/a/b?x=1', headers: { 'content-type': 'application/json', authorization: 'Bearer tk_1', 'user-agent': 'hayai' } },
    ])
    const body = JSON.parse(web.got[0]?.body ?? '') as WebhookBody
    expect(body).toMatchObject({
      version: 1,
      event: 'failure',
      project: 'Ladén',
      plan: 'daily',
      at: RUN.ended,
      lastSuccess: null,
      run: RUN,
    })
    expect(body.text).toContain('Taken: shop (4096 bytes).\nNot taken: notes.')
  })
  it('at Slack is text without markup of its own', async () => {
    web.answer = 200
    expect(await told(notification('slack', `${web.url}/services/T/B/x`))).toMatchObject({ ok: true })
    const { text } = JSON.parse(web.got[0]?.body ?? '') as { text: string }
    expect(text).toMatch(/^\*Ladén: the plan "daily" failed\*\nTOOL_FAILED: it is &lt;broken&gt; &amp; "gone"\n/)
  })
  it('at ntfy has a title and a priority', async () => {
    expect(await told(notification('ntfy', `${web.url}/topic`))).toMatchObject({ ok: true })
    const { title, priority, tags } = web.got[0]?.headers ?? {}
    const encoded = /^=\?UTF-8\?B\?(.*)\?=$/.exec(String(title))?.[1] ?? ''
    expect(Buffer.from(encoded, 'base64').toString()).toBe('Ladén: the plan "daily" failed')
    expect({ priority, tags }).toEqual({ priority: 'high', tags: 'rotating_light' })
    expect(web.got[0]?.body).toContain('it is <broken> & "gone"')
  })
  it('at a dead-man check is where a failure belongs, or a success', async () => {
    await told(notification('ping', `${web.url}/ping/uuid`))
    expect(web.got.map(({ path }) => path)).toEqual(['/ping/uuid/fail'])
    await told(notification('ping', `${web.url}/ping/uuid`), messageOfTest('ops', 'shop', new Date()))
    expect(web.got.map(({ path }) => path)).toEqual(['/ping/uuid'])
  })
  it('over TLS by an authority of its own, and not by another', async () => {
    const secured = await webReceiver(own)
    try {
      expect(await told(notification('webhook', secured.url, { ca: own.file }))).toMatchObject({ ok: true })
      for (const ca of [other.file, undefined]) {
        const refused = await told(notification('webhook', secured.url, { ca }))
        expect(refused).toMatchObject({ ok: false, tries: 1, error: expect.stringContaining('certificate is not to be trusted') as string })
      }
      expect(secured.got).toHaveLength(1)
    } finally {
      await secured.close()
    }
  })
})

describe('what does not arrive', () => {
  it.each([
    [500, 3, 'it answered with status 500'],
    [429, 3, 'it answered with status 429'],
    [404, 1, 'it answered with status 404'],
    [302, 1, 'it answered with status 302'],
    [0, 3, 'no answer in time'],
  ])('answer %i: tried %i times, "%s"', async (answer, tries, error) => {
    web.answer = answer
    const patience = answer === 0 ? HASTY : PATIENT
    expect(await told(notification('webhook', web.url), FAILURE, patience)).toEqual({
      notification: 'ops',
      event: 'failure',
      ok: false,
      tries,
      error,
    })
    expect(web.got).toHaveLength(tries)
    web.answer = 200
  })
  it.each([
    ['http://127.0.0.1:1/secret', 3, 'nobody listens there'],
    ['http://no-such-host.invalid/secret', 3, /^(its host is not known|names of hosts cannot be looked up now|no answer in time)$/],
    ['${NEWS_UNSET}', 1, 'the variable NEWS_UNSET is not set'],
    ['http://', 1, 'its address is none'],
  ])('%s: tried %i times, and the address is not told', async (address, tries, error) => {
    const delivery = await told(notification('webhook', address))
    expect(delivery).toMatchObject({ ok: false, tries, error: expect.stringMatching(error) as string })
    expect(JSON.stringify(delivery)).not.toMatch(/secret|127\.0|invalid/)
  })
})

describe('mail', () => {
  const from = { from: 'Hayai <hayai@example.org>', to: ['ann@example.org', 'bob@example.org'] }
  it('goes with a login over STARTTLS, or TLS from the first byte on', async () => {
    process.env['NEWS_PASSWORD'] = 'let me in'
    for (const scheme of ['smtp', 'smtps']) {
      const server = await mailReceiver(own, scheme === 'smtps')
      try {
        const login = { user: 'clerk', password: new Secret('${NEWS_PASSWORD}'), ca: own.file }
        expect(await told(notification('smtp', `${scheme}://localhost:${server.port}`, { ...from, ...login }))).toMatchObject({ ok: true })
        expect(
          await told(notification('smtp', `${scheme}://clerk:let%20me%20in@localhost:${server.port}`, { ...from, ca: own.file })),
        ).toMatchObject({
          ok: true,
        })
        expect(server.got).toHaveLength(2)
        expect(server.got[0]).toMatchObject({ from: 'hayai@example.org', to: from.to, secure: true, user: 'clerk' })
        expect(server.got[0]?.text).toMatch(/^Auto-Submitted: auto-generated/m)
        expect(server.got[0]?.text).toMatch(/^Subject: =\?UTF-8\?/m)
      } finally {
        await server.close()
      }
    }
  })
  it('that is refused says by what, and no password', async () => {
    const server = await mailReceiver(own)
    const mail = (user: string, password: string, more: Partial<Notification> = {}): Notification =>
      notification('smtp', `smtp://localhost:${server.port}`, { ...from, user, password: new Secret(password), ca: own.file, ...more })
    try {
      const wrong = await told(mail('clerk', 'guessed'))
      expect(wrong).toMatchObject({ ok: false, tries: 1, error: 'the server refuses the login (535)' })
      expect(await told(mail('clerk', 'let me in', { to: ['nobody@example.org'] }))).toMatchObject({
        tries: 1,
        error: 'the server refuses the sender or the recipient (550)',
      })
      const distrusted = await told(mail('clerk', 'let me in', { ca: other.file }))
      expect(distrusted).toMatchObject({ ok: false, error: expect.stringContaining('certificate is not to be trusted') as string })
      expect(server.got).toEqual([])
      expect(JSON.stringify([wrong, distrusted])).not.toMatch(/guessed|let me in/)
    } finally {
      await server.close()
    }
  })
  it('to a server that never greets gives up', async () => {
    web.answer = 0
    const { port } = new URL(web.url)
    expect(await told(notification('smtp', `smtp://127.0.0.1:${port}`, from), FAILURE, HASTY)).toMatchObject({ ok: false, tries: 3 })
    web.answer = 200
  })
})
