// A data folder laid down in the volume of a twin, by Docker: only so does each file belong to whom it belonged to, whoever runs
// Hayai. Docker gets an archive that is written anew from what was read and checked; then it is asked what it has made of it.

import { drain } from '../../base/bytes.ts'
import { HayaiError } from '../../base/errors.ts'
import { relocated } from '../../base/relocated.ts'
import type { Target } from '../../engines/engine.ts'
import { ask, docker } from './docker.ts'
import { called, LABEL, type Home } from './home.ts'
import type { VolumePlace } from './place.ts'
import { folderIn, weigh, type Weight } from './resting.ts'

export function layingDown(home: Home, place: VolumePlace): Target['layDown'] {
  const { dataDir } = home.recipe.container
  const { container, volume, database, image } = place
  return async (bytes, signal) => {
    // Without what the image would put into an empty volume: only what is in the archive shall be there.
    const mount = `type=volume,source=${volume},target=${dataDir},volume-nocopy`
    const label = `${LABEL.database}=${database}`
    await ask(['create', `--name=${container}`, `--label=${label}`, '--network=none', `--mount=${mount}`, image, 'never-started'])
    try {
      let given: Weight = { files: 0, bytes: 0 }
      const input = relocated(bytes, dataDir.replace(/^\/+|\/+$/g, ''), (weight) => void (given = weight))
      await drain(docker(['cp', '-', `${container}:/`], { input, signal }))
      refuseDifference(home, given, await weigh(folderIn(home, container, signal), () => Promise.resolve()))
    } finally {
      await ask(['rm', '--force', '--volumes', container])
    }
  }
}

function refuseDifference(home: Home, given: Weight, there: Weight): void {
  if (given.files === there.files && given.bytes === there.bytes) return
  const said = ({ files, bytes }: Weight) => `${files} files of ${bytes} bytes`
  throw new HayaiError('CORRUPT', `${said(given)} were laid down for ${called(home)}, and ${said(there)} are there`, {
    hint: 'The live database was not touched. Look at the log of Docker.',
  })
}
