// `kill -9` at each stage, in containers. A file of its own: it takes as long as the other.

import { contained } from './acts.ts'
import { killAtEachStage } from './killed.ts'

killAtEachStage(contained.filter(({ first }) => first))
