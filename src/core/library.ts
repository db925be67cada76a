// Finding snapshots: by path, file name, id or database, in the project's folder and in those that snapshots were sent to.

import { stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, resolve } from 'node:path'
import type { Bytes } from '../base/bytes.ts'
import { HayaiError, systemCode } from '../base/errors.ts'
import type { Engine, Format } from '../engines/engine.ts'
import { readCatalog } from '../project/catalog.ts'
import type { Manifest } from '../snapshots/manifest.ts'
import { repository, type Repository } from '../snapshots/repository.ts'
import type { RestoreRequest, SnapshotView } from './answers.ts'
import { databaseOf, engineOf, type Context } from './context.ts'
