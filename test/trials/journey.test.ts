// The journey of every engine, in each of its formats, on this machine.

import { acts } from './acts.ts'
import { goTheJourney } from './journey.ts'

goTheJourney(acts)
