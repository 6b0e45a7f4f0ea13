import type { DrainProgress, DrainReport } from '../node/drain.ts'
import type { Orchestrator } from '../node/orchestrator.ts'
import type { PartDoor } from './door.ts'
import { lines } from './lines.ts'

/** What `POST /leave` has come to. */
export interface Leaving {
  readonly left: boolean
  readonly report: DrainReport | null
}

/** `POST /leave`, `POST /leave?now`: lines while shards are handed over. `left` is called at the end. */
export function leaveDoor(node: Orchestrator, left: () => void): PartDoor {
  return ({ path, method, query, signal }) => {
    if (path !== '/leave' || method !== 'POST') return undefined
    const leave = async (report: (progress: DrainProgress) => void): Promise<Leaving> => {
      const done = await node.leave({ isNow: query.has('now'), signal, report })
      return { left: (done?.failed ?? 0) === 0, report: done ?? null }
    }
    return lines(leave, ({ left: isLeft }) => {
      if (isLeft) left()
    })
  }
}
