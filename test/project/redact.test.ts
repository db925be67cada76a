// A copy of `.hayaidb` for other disks: without secrets, and still one that can be used.

import { expect, it } from 'vitest'
import { checkConfig } from '../../src/project/check.ts'
import { withoutSecrets } from '../../src/project/redact.ts'

const TEXT = `global:
  backup:
    notifications:
      ops: {webhook: "https://h.example/s3cret", token: s3cret, on: [failure]}
      team: { slack: https://h.example/s3cret }
      env: {webhook: "\${OPS}/hook"}
      phone:
        ntfy: https://ntfy.example/s3cret
        token: s3cret
      mail:
        smtp: smtps://user:s3cret@mail.example:465
        from: a@example.org
        to: [b@example.org]
        password: "s3cret, and more"
      mail2: {smtp: "smtp://mail.example", password: "s3cret", from: a@example.org, to: b@example.org}
`

it('holds no address and no password of a notification, and is valid', () => {
  const copy = withoutSecrets(TEXT)
  expect(copy).not.toContain('s3cret')
  expect(copy).toContain('env: {webhook: "${OPS}/hook"}')
  const { notifications } = checkConfig(copy, '.hayaidb', { engines: ['sqlite'] }).config
  expect(notifications.map(({ name, kind, address }) => [name, kind, address.reveal()])).toEqual([
    ['ops', 'webhook', '${WEBHOOK}'],
    ['team', 'slack', '${SLACK}'],
    ['env', 'webhook', '${OPS}/hook'],
    ['phone', 'ntfy', '${NTFY}'],
    ['mail', 'smtp', '${SMTP}'],
    ['mail2', 'smtp', '${SMTP}'],
  ])
})
