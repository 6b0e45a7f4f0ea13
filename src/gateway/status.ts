import type { Garbage } from '../mend/collect.ts'
import type { MendProgress } from '../mend/progress.ts'
import type { ScrubProgress } from '../mend/scrubState.ts'
import type { PeerId, Role } from '../transport/transporter.ts'
import { jsonReply, type PartDoor } from './door.ts'

/** What `GET /status` answers. */
export interface NodeStatus {
  readonly id: PeerId
  readonly name: string
  readonly role: Role
  readonly zone: string
  readonly address: string
  readonly code: string
  /** What it keeps; null while a large store is still being counted after a start. */
  readonly shards: number | null
  readonly bytes: number | null
  readonly free: number | null
  /** What looking after blocks has come to; absent where a command opened the node for itself alone. */
  readonly mend?: MendProgress
  /** How far reading everything is, and what it found. */
  readonly scrub: ScrubProgress
  /** What nobody wanted any more, and was removed since the node started. */
  readonly garbage: Garbage
  /** How others reach it. */
  readonly reach: Reachability
  /** Those that can be asked now. */
  readonly members: readonly {
    readonly id: PeerId
    readonly name: string
    readonly role: Role
    readonly zone: string
    readonly address: string
    readonly capacity: number
    readonly free: number
  }[]
}

export interface Reachability {
  /** What it tells others to dial. */
  readonly addresses: readonly string[]
  /** Members that dialed it back, at which address, and why they failed if they did. */
  readonly trials: readonly {
    readonly by: string
    readonly address: string
    readonly why?: string
  }[]
  /** Names of the members over which it is reached when it cannot be dialed. */
  readonly relays: readonly string[]
}

/** `GET /status`. */
export function statusDoor(status: () => Promise<NodeStatus>): PartDoor {
  return ({ method, path }) =>
    path === '/status' && method === 'GET' ? status().then((value) => jsonReply(value)) : undefined
}
