import type { Collector, Garbage, GarbageReport } from '../mend/collect.ts'
import type { PartDoor } from './door.ts'
import { lines } from './lines.ts'

export interface GarbageParts {
  readonly collector: Pick<Collector, 'collect' | 'look'>
  /** What nobody has spoken for may go. */
  readonly abandonAdopted: () => Promise<void>
}

/** `POST /gc`: removes what nobody wants any more; lines meanwhile. `?dry` only says what; `?adopted`: this too. */
export function garbageDoor({ collector, abandonAdopted }: GarbageParts): PartDoor {
  return ({ path, method, query, signal }) => {
    if (path !== '/gc' || method !== 'POST') return undefined
    return lines<Garbage, GarbageReport>(async (report) => {
      if (query.has('dry')) return collector.look({ signal })
      if (query.has('adopted')) await abandonAdopted()
      return collector.collect({ signal, report })
    })
  }
}
