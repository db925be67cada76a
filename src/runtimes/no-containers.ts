// What runtimes without containers say when one is to be adopted.

import { HayaiError } from '../base/errors.ts'

export function noContainers(runtime: string): HayaiError {
  return new HayaiError('USAGE', `a container cannot be adopted by the runtime "${runtime}"`, {
    hint: 'Leave --runtime out, or say --runtime compose.',
  })
}
