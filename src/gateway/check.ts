import { parseAddress, type Address } from '../address/address.ts'
import type { Examination } from '../mend/examine.ts'
import type { Census } from '../mend/progress.ts'
import type { Standing } from '../mend/standing.ts'
import { jsonReply, type PartDoor } from './door.ts'
import { lines } from './lines.ts'

/** What `GET /check` answers: every block of the swarm, as those who look after them say. */
export interface CheckAllReply {
  readonly total: Census
  readonly members: readonly Standing[]
}

export interface CheckParts {
  /** Looks at every block of a blob. */
  readonly examine: (
    root: Address,
    options: { isDeep: boolean; signal: AbortSignal; report: (blocks: number) => void },
  ) => Promise<Examination>
  readonly all: (signal: AbortSignal) => Promise<CheckAllReply>
}

/** `GET /check`, `GET /check/ADDRESS`, with `?deep` every shard is fetched; lines while it looks. */
export function checkDoor({ examine, all }: CheckParts): PartDoor {
  return ({ path, method, query, signal }) => {
    if (method !== 'GET') return undefined
    if (path === '/check') return all(signal).then((reply) => jsonReply(reply))
    const name = /^\/check\/([^/]+)$/.exec(path)?.[1]
    if (name === undefined) return undefined
    const root = parseAddress(name)
    const isDeep = query.has('deep')
    return lines<number, Examination>((report) => examine(root, { isDeep, signal, report }))
  }
}
