import type { Garbage } from '../mend/collect.ts'
import type { MendProgress } from '../mend/progress.ts'
import type { ScrubProgress } from '../mend/scrubState.ts'
import type { PeerId, Role } from '../transport/transporter.ts'
import { jsonReply, type PartDoor } from './door.ts'

/** What `GET /status` answers. */
export interface NodeStatus {
  /** Its peer id, for ever. */
  readonly id: PeerId
  /** What people call it. */
  readonly name: string
  /** What it may do. */
  readonly role: Role
  /** House, rack or site; empty when it has none. */
  readonly zone: string
  /** Where it listens, "host:port"; empty when it only dials out. */
  readonly address: string
  /** What a put made now would be coded in, such as "4+2". */
  readonly code: string
  /** What it keeps; null while a large store is still being counted after a start. */
  readonly shards: number | null
  /** Bytes of those shards. */
  readonly bytes: number | null
  /** Bytes for which it has room. */
  readonly free: number | null
  /** What looking after blocks has come to; absent where a command opened the node for itself alone. */
  readonly mend?: MendProgress
  /** How far reading everything is, and what it found. */
  readonly scrub: ScrubProgress
  /** What nobody wanted any more, and was removed since the node started. */
  readonly garbage: Garbage
  /** Members, itself among them, that took or sent shards in the last seconds for somebody who waits. */
  readonly partners: number
  /** How others reach it. */
  readonly reach: Reachability
  /** Those that can be asked now. */
  readonly members: readonly ConnectedMember[]
}

/** Another member, as it is connected to this node. */
export interface ConnectedMember {
  /** Its peer id, for ever. */
  readonly id: PeerId
  /** What people call it. */
  readonly name: string
  /** What it may do. */
  readonly role: Role
  /** House, rack or site; empty when it has none. */
  readonly zone: string
  /** Where the connection leads. */
  readonly address: string
  /** Bytes that it offers to the swarm. */
  readonly capacity: number
  /** Bytes for which it still had room when it last said so. */
  readonly free: number
}

/** How others reach a node. */
export interface Reachability {
  /** What it tells others to dial. */
  readonly addresses: readonly string[]
  /** Members that dialed it back, at which address, and why they failed if they did. */
  readonly trials: readonly {
    /** The member's name. */
    readonly by: string
    /** What it dialed, "host:port". */
    readonly address: string
    /** Why it failed; absent when it did not. */
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
