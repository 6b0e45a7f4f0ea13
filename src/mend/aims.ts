import {
  codeFor,
  copiesBelowBytes,
  isPolicy,
  isSameCode,
  policyFor,
  type Code,
} from '../coding/code.ts'
import type { Seen } from '../discovery/membership.ts'

/** How a swarm's blocks should be coded, as far as a node can tell. */
export interface Aims {
  /** What a person set; nothing else is aimed at then. */
  readonly set?: Code
  /** For all who belong here and are not gone for good. */
  readonly target: Code
  /** For those who are here now: good enough while some are away. */
  readonly now: Code
  /** Members that store and are here now. */
  readonly members: number
}

export interface AimsParts {
  readonly set?: Code
  /** Whether this node stores shards itself. */
  readonly isStoring: boolean
  readonly others: readonly Seen[]
  /** Members that store and are here now, this one included. */
  readonly live: number
  readonly now: number
  /** Who has been silent for so long will not come back. */
  readonly goneMs: number
}

export function aimsOf({ set, isStoring, others, live, now, goneMs }: AimsParts): Aims {
  const staying = others.filter(({ state, record, heardAt }) => {
    const isGone = state === 'left' || (state === 'away' && now - heardAt >= goneMs)
    return record.capacity > 0 && record.stage === 'here' && !isGone
  })
  const target = policyFor(Math.max(live, staying.length + (isStoring ? 1 : 0)))
  return { set, target, now: policyFor(live), members: live }
}

/** A code that a block is found in. */
export interface Present {
  readonly code: Code
  /** Whether all its shards are there. */
  readonly isComplete: boolean
}

/**
 * What a block of this size should be coded in, that is found in these codes. It is not coded anew for
 * members that will be back soon, nor out of a code that a person chose for it, nor to have fewer copies.
 */
export function chooseCode(size: number, present: readonly Present[], aims: Aims): Code {
  const { set, target, now, members } = aims
  const forSize = (code: Code) => codeFor(code, size)
  if (set !== undefined) return forSize(set)
  const chosen = present.find(({ code, isComplete }) => isComplete && !isOfPolicy(code, size))
  if (chosen !== undefined && chosen.code.n <= members) return chosen.code
  const wanted = forSize(target)
  const spare = present.find(({ code, isComplete }) => isComplete && isMoreCopies(code, wanted))
  if (spare !== undefined && spare.code.n <= members) return spare.code
  if (wanted.n <= members) return wanted
  const isThere = (one: Code) => present.some(({ code }) => isSameCode(code, one))
  return [wanted, forSize(now)].find(isThere) ?? forSize(now)
}

function isOfPolicy(code: Code, size: number): boolean {
  return size < copiesBelowBytes || isPolicy(code) // Small blocks are copies whatever was chosen.
}

function isMoreCopies(code: Code, wanted: Code): boolean {
  return code.k === 1 && wanted.k === 1 && code.n > wanted.n
}
