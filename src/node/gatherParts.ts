import type { Clock } from '../base/clock.ts'
import type { Crew } from '../pipe/crew.ts'
import type { PeerId } from '../transport/transporter.ts'
import type { Finding } from './gather.ts'
import type { Holder } from './holder.ts'
import type { Limits } from './limits.ts'
import type { Pace } from './pace.ts'

/** How many shards a block may take: what the last one took, where blocks are of one blob. */
export interface Guess {
  shards: number
}

export interface GatherParts {
  readonly crew: Crew
  readonly limits: Limits
  readonly pace: Pace
  readonly clock: Clock
  /** How many shards are asked for before a layout says how many it takes. */
  readonly guess: Guess
  /** Everyone who could have a shard; the first `likely` are those who should. */
  readonly holders: readonly Holder[]
  readonly likely: number
  /** Names of members that could have some and cannot be asked: they are suspect or away. */
  readonly absent: () => readonly string[]
  readonly signal: AbortSignal
  readonly found: (finding: Finding) => void
  /** Is told of each member that has sent a shard. */
  readonly met?: (member: PeerId) => void
}
