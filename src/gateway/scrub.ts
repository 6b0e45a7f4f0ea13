import type { Scrubber } from '../mend/scrub.ts'
import type { ScrubCount, ScrubReport } from '../mend/scrubState.ts'
import type { PartDoor } from './door.ts'
import { lines } from './lines.ts'

/** `POST /scrub`: reads everything now, at full speed; lines meanwhile. How far the slow one is, says `/status`. */
export function scrubDoor(scrubber: Pick<Scrubber, 'now'>): PartDoor {
  return ({ path, method, signal }) => {
    if (path !== '/scrub' || method !== 'POST') return undefined
    return lines<ScrubCount, ScrubReport>((report) => scrubber.now({ signal, report }))
  }
}
