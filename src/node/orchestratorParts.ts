import type { HashName } from '../address/hash.ts'
import type { Bytes } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Code } from '../coding/code.ts'
import type { ReadKeys } from '../crypto/keys.ts'
import type { Hints } from '../discovery/hints.ts'
import type { Membership } from '../discovery/membership.ts'
import type { Leases } from '../lease/leases.ts'
import type { LeaseWish } from '../lease/own.ts'
import type { Crew } from '../pipe/crew.ts'
import type { Pool } from '../pipe/pool.ts'
import type { Store } from '../store/store.ts'
import type { Transporter } from '../transport/transporter.ts'
import type { Finding } from './gather.ts'
import type { Limits } from './limits.ts'
import type { Stored } from './put.ts'

/** What a node is made of; concrete parts meet in the daemon. */
export interface OrchestratorParts {
  readonly store: Store
  readonly leases: Leases
  readonly transporter: Transporter
  readonly membership: Membership
  readonly pool: Pool
  readonly crew: Crew
  readonly clock: Clock
  readonly log: Log
  /** Where members are found that this node does not know; the DHT. */
  readonly hints?: Hints
}

export interface OrchestratorOptions {
  /** What a reader has. Without it only links can be read, and nothing put. */
  readonly keys?: ReadKeys
  /** A code instead of the swarm's policy. */
  readonly code?: Code
  readonly limits?: Partial<Limits>
}

export interface PutOptions {
  readonly hash?: HashName
  readonly code?: Code
  readonly lease?: LeaseWish
  readonly signal?: AbortSignal
}

/** Stores a blob under a lease that is made already. */
export type PutUnder = (source: Bytes, options?: PutOptions) => Promise<Stored>

export interface ReadOptions {
  readonly signal?: AbortSignal
  readonly found?: (finding: Finding) => void
}
