// start and stop on a dry run: what would be done is told, and nothing is.

import { afterEach, expect, it } from 'vitest'
import { postgresql } from '../trials/cast.ts'
import { stage, type Stage } from '../trials/stage.ts'

let scene: Stage | undefined
afterEach(async () => {
  await scene?.close()
  scene = undefined
})

it.skipIf(postgresql.missing !== undefined && process.env['CI'] === undefined)('start and stop change nothing on a dry run', async () => {
  scene = await stage()
  const { project } = scene
  await project.init({ name: 'shop', engine: 'postgresql' })
  expect(await project.start(['shop'], { dryRun: true })).toMatchObject([{ name: 'shop', status: 'stopped' }])
  expect(await project.list()).toMatchObject([{ status: 'stopped' }])
  await project.start([])
  expect(await project.stop([], { dryRun: true })).toMatchObject([{ name: 'shop', status: 'running' }])
  expect(await project.list()).toMatchObject([{ status: 'running' }])
  await expect(project.start(['shp'], { dryRun: true })).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
