// `kill -9` at each stage, on this machine.

import { heavy } from './acts.ts'
import { killAtEachStage } from './killed.ts'

killAtEachStage(heavy)
