import { rosterMax } from './roster.ts'

/** How often members speak of themselves and of each other. Milliseconds. */
export interface MembershipLimits {
  /** A member says anew that it is there. */
  readonly heartbeatMs: number
  /** A node compares what it knows with one peer, chosen by chance. */
  readonly exchangeMs: number
  /** Without a connection, or a word for this long, a member is away. */
  readonly awayMs: number
  /** For the other side to answer. */
  readonly answerMs: number
  /** Members that everyone is connected to; in a larger swarm a node chooses this many. */
  readonly peersMax: number
  /** Members that a node knows; of a larger swarm it knows a part. */
  readonly membersMax: number
}

export const membershipDefaults: MembershipLimits = {
  heartbeatMs: 60_000,
  exchangeMs: 5_000, // A piece of news is with a thousand members after ten of these.
  awayMs: 600_000,
  answerMs: 4_000,
  peersMax: 64, // About 150 KB each.
  membersMax: rosterMax,
}
