// The journey in containers. A file of its own: it takes as long as the other.

import { contained } from './acts.ts'
import { goTheJourney } from './journey.ts'

goTheJourney(contained)
