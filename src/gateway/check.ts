import { parseAddress, type Address } from '../address/address.ts'
import type { Examination } from '../mend/examine.ts'
import type { Census } from '../mend/progress.ts'
import type { Standing } from '../mend/standing.ts'
import { jsonReply, keyIn, type PartDoor } from './door.ts'
import { lines } from './lines.ts'

/** What `GET /check` answers: every block of the swarm, as those who look after them say. */
export interface CheckAllReply {
  readonly total: Census
  readonly members: readonly Standing[]
}

export interface ExamineOptions {
  /** A link's, to see what is below a folder. */
  readonly key?: Uint8Array
  readonly isDeep: boolean
  readonly signal: AbortSignal
  readonly report: (blocks: number) => void
}

export interface CheckParts {
  /** Looks at every block of a blob, and of what is below it when it is a folder. */
  readonly examine: (root: Address, options: ExamineOptions) => Promise<Examination>
  readonly all: (signal: AbortSignal) => Promise<CheckAllReply>
}

/** `GET /check`, `GET /check/ADDRESS`, with `?deep` every shard is fetched; lines while it looks. */
export function checkDoor({ examine, all }: CheckParts): PartDoor {
  return ({ path, method, query, headers, signal }) => {
    if (method !== 'GET') return undefined
    if (path === '/check') return all(signal).then((reply) => jsonReply(reply))
    const name = /^\/check\/([^/]+)$/.exec(path)?.[1]
    if (name === undefined) return undefined
    const root = parseAddress(name)
    const options = { key: keyIn(headers, name), isDeep: query.has('deep'), signal }
    return lines<number, Examination>((report) => examine(root, { ...options, report }))
  }
}
