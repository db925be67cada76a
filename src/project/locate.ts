// Where the project is: the nearest folder, from here upwards, with a `.hayaidb` file or a `.hayai` folder.

import type { Stats } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { HayaiError, systemCode } from '../base/errors.ts'
import { CONFIG_NAME, OWN_FOLDER } from './paths.ts'
import { onFile } from './refusals.ts'

export interface Place {
  /** Absolute, without links. */
  readonly root: string
  /** The `.hayaidb` file, or the one that was named; undefined where the project has none. */
  readonly config: string | undefined
}

export interface LocateOptions {
  /** Where the walk begins; the working folder when not given. */
  readonly cwd?: string
  /** A file that declares the databases, by path; its folder is the project. */
  readonly config?: string
  /** Where there is no project, the folder itself becomes one. */
  readonly create?: boolean
}

export async function locateProject(options: LocateOptions = {}): Promise<Place> {
  const from = resolve(options.cwd ?? process.cwd())
  if (options.config !== undefined) return named(resolve(from, options.config))
  const start = await folder(from)
  for (let root = start; ; root = dirname(root)) {
    const [config, own] = await Promise.all([look(join(root, CONFIG_NAME)), look(join(root, OWN_FOLDER))])
    if (config?.isFile() === true) return { root, config: join(root, CONFIG_NAME) }
    if (own?.isDirectory() === true) return { root, config: undefined }
    if (root === dirname(root)) break
  }
  if (options.create === true) return { root: start, config: undefined }
  throw new HayaiError('NOT_FOUND', `there is no Hayai project in ${start} or above it`, {
    hint: 'Run `hayai init -n mydb -e sqlite` to begin one here.',
    details: { folder: start },
  })
}

async function named(config: string): Promise<Place> {
  const found = await onFile(config, 'read', () => look(config, NOT_THERE))
  if (found === undefined) {
    throw new HayaiError('NOT_FOUND', `there is no file ${config}`, {
      hint: 'Name the file that declares the databases with `--config`, or leave `--config` out.',
      details: { file: config },
    })
  }
  if (!found.isFile())
    throw new HayaiError('USAGE', `${config} is not a file`, { hint: `Name a file, such as ${join(config, CONFIG_NAME)}.` })
  return { root: await realpath(dirname(config)), config }
}

async function folder(path: string): Promise<string> {
  if ((await look(path))?.isDirectory() === true) return realpath(path)
  throw new HayaiError('NOT_FOUND', `there is no folder ${path}`, { hint: 'Begin in a folder that exists.', details: { folder: path } })
}

/** What is there, or undefined: a place that may not be looked into, or whose link leads nowhere, holds no project for us. */
async function look(path: string, tolerated = ABSENT): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (tolerated.has(systemCode(error) ?? '')) return undefined
    throw error
  }
}

const NOT_THERE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'])
const ABSENT: ReadonlySet<string> = new Set([...NOT_THERE, 'EACCES', 'ELOOP'])
