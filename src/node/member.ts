import type { PeerId, Role } from '../transport/transporter.ts'

/** What a node knows of a member that is live, itself included. */
export interface Member {
  readonly id: PeerId
  readonly role: Role
  /** What people call the machine. */
  readonly name: string
  /** House, rack or site: shards of a block are spread over zones. Empty: a zone of its own. */
  readonly zone: string
  /** Bytes it offers the swarm: its weight in placement. It does not change as it fills. */
  readonly capacity: number
  /** Bytes it would still take, when it was last heard. */
  readonly free: number
  /** Where others reach it: "host:port", or empty. */
  readonly address: string
}
