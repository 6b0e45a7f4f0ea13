import type { Duplex } from 'node:stream'
import type { Issuer, Member } from './identity.ts'

/** A member as its handshake shows it: who it is, and whose word that is. */
export interface Vouched extends Member {
  /** The authorities that stand between it and the swarm's own, the nearest first. */
  readonly issuers: readonly Issuer[]
}

/** Who came to a door. */
export interface Visitor {
  /** Where it came from: "host:port". */
  readonly address: string
  /** Who it has proven to be; absent at a door that demands nobody in particular. */
  readonly member?: Member
}

/** Speaks another protocol than the members' own, over a stream that TLS protects. The stream is its to end. */
export type StreamDoor = (stream: Duplex, visitor: Visitor) => Promise<void>

/** What may be said at a port besides the members' protocol: one door for each ALPN name (RFC 7301). */
export interface OpenDoor {
  readonly demands: 'member' | 'nobody'
  readonly door: StreamDoor
}
