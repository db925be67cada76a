// What a program in a container writes straight into a file of this machine.

import { open, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { text } from '../../src/base/bytes.ts'
import { docker, labelled, noDocker } from './compose/docker.ts'
import { containerIn, started } from './compose/ground.ts'

const ODD = String.raw`a\nb \\ $HOME "c" 'd' %s` + '\nand more'

describe.skipIf(noDocker !== undefined && process.env['CI'] === undefined)(
  `into a file${noDocker === undefined ? '' : ` (${noDocker})`}`,
  () => {
    test('bytes are those of the program, wherever they pass; its failure is told; nothing runs on when nobody reads', async () => {
      const all = await started()
      const folder = await mkdtemp(join(tmpdir(), 'hayai-landing-'))
      const target = await all.site.open()
      const label = `org.hayai.database=${all.placement.id}`
      const before = labelled(label)
      try {
        // A path that cannot be told to Docker is written through it, in the server's own container.
        for (const [name, straight] of [
          ['plain', true],
          ['with,comma', false],
        ] as const) {
          const handle = await open(join(folder, name), 'ax+')
          const into = { descriptor: handle.fd }
          await handle.write('first\n')
          const sh = (script: string) => target.run({ program: 'sh', args: ['-c', script, 'sh', 'a b'], env: { GIVEN: ODD }, into })
          const said = await text(sh('printf "%s %s\\n" "$GIVEN" "$1"; [ -e /hayai/landing ] && echo straight; seq 50000'))
          expect(said.startsWith(`${ODD} a b\n${straight ? 'straight\n' : ''}1\n`)).toBe(true)
          await handle.write('between\n')
          await expect(text(sh('echo some; echo no more >&2; exit 3'))).rejects.toMatchObject({
            code: 'TOOL_FAILED',
            message: expect.stringMatching(/^sh failed \(exit 3\).*no more$/s) as string,
          })
          expect(await readFile(join(folder, name), 'utf8')).toBe(`first\n${said}between\nsome\n`)
          for await (const _ of sh('echo begun; exec sleep 600')) {
            for (const each of labelled(label)) if (!before.includes(each)) expect(docker('inspect', each)).not.toContain('and more')
            break
          }
          await handle.close()
        }
        await expect.poll(() => labelled(label), { timeout: 20_000 }).toEqual(before)
        await expect.poll(() => docker('top', containerIn(all.root)), { timeout: 20_000 }).not.toContain('sleep 600')
      } finally {
        await target.close()
        await rm(folder, { recursive: true })
      }
    }, 120_000)
  },
)
