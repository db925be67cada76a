// A command with snapshots before it: what it broke is told, and taken back, for every engine.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GuardAnswer } from '../../src/index.ts'
import { cast } from './cast.ts'
import { stage, type Stage } from './stage.ts'

describe.each(cast)('$engine, guarded', (actor) => {
  if (actor.missing !== undefined && process.env['CI'] === undefined) return it.skip(`is tried: ${actor.missing}`, () => {})

  let scene: Stage
  let before = ''
  const name = 'shop'
  beforeAll(async () => {
    scene = await stage()
    await scene.project.init({ name, engine: actor.engine })
    await scene.project.start([name])
    await actor.fill(scene.project, name)
    before = await actor.dump(scene.project, name)
  })
  afterAll(() => scene.close())

  const damage = async (status: number): Promise<number> => {
    await actor.damage(scene.project, name)
    return status
  }

  it('is as before when the command fails and that is to be undone; and as after it when that is undone', async () => {
    const label = 'npm run migrate --token hunter2'
    const answer = await scene.project.guard({ databases: [name], label, command: () => damage(3), undo: true })
    expect(answer).toMatchObject({ status: 3, undone: true, databases: [{ database: name, problem: null, diff: { different: true } }] })
    expect(answer.databases[0]?.snapshot).toMatchObject({
      comment: 'before: npm run migrate',
      tags: ['guard'],
      manifest: { askedBy: 'safety' },
    })
    expect(await actor.dump(scene.project, name)).toBe(before)
    expect(answer.databases[0]?.undo).toBe(`hayai undo ${name}`)
    await scene.project.undo(name)
    expect(await actor.dump(scene.project, name)).not.toBe(before)
    await scene.project.redo(name)
    expect(await actor.dump(scene.project, name)).toBe(before)
  })

  it('asks, with what was changed in hand, and does nothing when told no', async () => {
    let seen: GuardAnswer | undefined
    const undo = async (answer: GuardAnswer): Promise<boolean> => {
      seen = answer
      return false
    }
    const answer = await scene.project.guard({ databases: [], label: 'x', command: () => damage(1), undo })
    expect(seen?.databases[0]?.diff?.different).toBe(true)
    expect(answer.undone).toBe(false)
    const line = answer.databases[0]?.undo ?? ''
    expect(line).toMatch(/^hayai restore [0-9a-f]{8} --to shop$/)
    await scene.project.restore({ reference: line.split(' ')[2] ?? '', to: name })
    expect(await actor.dump(scene.project, name)).toBe(before)
  })

  it('does not ask when the command succeeds', async () => {
    const undo = (): Promise<boolean> => Promise.reject(new Error('it was asked'))
    const answer = await scene.project.guard({ databases: [name], label: 'x', command: () => Promise.resolve(0), undo, data: true })
    expect(answer).toMatchObject({ status: 0, undone: false, databases: [{ diff: { different: false, rowsCompared: true } }] })
  })

  it('never runs the command when a snapshot fails', async () => {
    const request = { label: 'x', command: () => Promise.reject(new Error('it was run')), undo: true }
    await expect(scene.project.guard({ ...request, databases: [name, 'nothing'] })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    if (actor.servers === 0) return
    await scene.project.stop([name])
    await expect(scene.project.guard({ ...request, databases: [name] })).rejects.toMatchObject({ code: 'WRONG_STATE' })
    await expect(scene.project.guard({ ...request, databases: [] })).rejects.toMatchObject({ code: 'WRONG_STATE' })
    await scene.project.start([name])
  })

  it('tells how to go back when the command cannot be run, or when it is interrupted', async () => {
    const asking = { databases: [name], label: 'x', undo: true }
    const { HayaiError } = await import('../../src/index.ts')
    const failing = (): Promise<number> => Promise.reject(new HayaiError('ENVIRONMENT', 'no such program', { hint: 'Install it.' }))
    const hint = expect.stringMatching(/The snapshots stay: hayai restore [0-9a-f]{8} --to shop$/) as string
    await expect(scene.project.guard({ ...asking, command: failing })).rejects.toMatchObject({ code: 'ENVIRONMENT', hint })
    const interrupt = new AbortController()
    const command = async (): Promise<number> => {
      interrupt.abort()
      return 143
    }
    await expect(scene.project.guard({ ...asking, command }, { signal: interrupt.signal })).rejects.toMatchObject({
      code: 'INTERRUPTED',
      hint,
    })
    expect(await actor.dump(scene.project, name)).toBe(before)
  })

  it('tells when the command has left the database stopped', async () => {
    if (actor.servers === 0) return
    const command = async (): Promise<number> => {
      await scene.project.stop([name])
      return 0
    }
    const answer = await scene.project.guard({ databases: [name], label: 'x', command, undo: false })
    expect(answer.databases[0]).toMatchObject({ diff: null, problem: expect.stringContaining('must be running') as string })
    await scene.project.start([name])
  })

  it('does nothing on a dry run', async () => {
    const command = (): Promise<number> => Promise.reject(new Error('it was run'))
    const there = (await scene.project.snapshots()).length
    const answer = await scene.project.guard({ databases: [name], label: 'npm test', command, undo: true, dryRun: true })
    expect(answer).toMatchObject({ dryRun: true, status: null })
    expect(answer.plan).toContain('run npm test')
    expect(await scene.project.snapshots()).toHaveLength(there)
  })
})
