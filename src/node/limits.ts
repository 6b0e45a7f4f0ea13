/** How long a node waits, and for how much. Milliseconds. */
export interface Limits {
  /** For a small question. */
  readonly answerMs: number
  /** For a holder to have synced a shard; then the next in order is asked instead. */
  readonly keepMs: number
  /** For a shard to arrive. */
  readonly fetchMs: number
  /** A fetch is doubled when it takes three times the usual, but not before this. */
  readonly hedgeFloorMs: number
  /** For the DHT, and for meeting whom it hints at. */
  readonly hintsMs: number
  /** Segments of one put or get that are under way. */
  readonly segmentsAhead: number
  /** The same for a get whose shards come from far, while it is alone. */
  readonly segmentsAheadFar: number
  /** Where even the quickest fetches take longer, shards come from far. */
  readonly farMs: number
}

export const defaultLimits: Limits = {
  answerMs: 4_000, // Many round trips, even over a satellite.
  keepMs: 15_000, // A busy disk syncs within seconds; longer is as good as gone.
  fetchMs: 6_000, // Two tries fit into the time in which people expect an error.
  hedgeFloorMs: 150, // A shard costs bandwidth: not for a hiccup.
  hintsMs: 10_000, // A lookup through gone nodes takes some waits of two seconds.
  segmentsAhead: 4, // Memory per put or get: 4 MiB, and its parity.
  segmentsAheadFar: 6, // Measured in docs/decisions/far-reads.md: what memory there is, in use.
  farMs: 100, // Within a city a shard is here in a fifth of it, unless everyone is busy.
}
