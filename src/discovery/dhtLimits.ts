import type { ValueLimits } from './dhtValues.ts'

/** How much a node does in the DHT, and for how long it waits. Milliseconds. */
export interface DhtLimits extends ValueLimits {
  /** For an answer to one question; then whoever was asked counts as gone. */
  readonly answerMs: number
  /** For one lookup. */
  readonly lookupMs: number
  /** Lookups at a time; more wait. */
  readonly lookupsMax: number
  /** Addresses that one lookup may find. */
  readonly foundMax: number
  /** Nodes that are told of an announcement: those closest to its key. */
  readonly copies: number
  /** What is announced, is announced again. */
  readonly announceMs: number
  /** The same, when nobody took note. */
  readonly retryMs: number
  /** Roots that a node announces. */
  readonly publishedMax: number
  /** Who was not heard for this long is asked whether it is there. */
  readonly quietMs: number
  /** Looks for new neighbours. */
  readonly refreshMs: number
  /** Sees whether anything of that is due; more often while nobody is known. */
  readonly roundMs: number
  readonly aloneMs: number
}

export const dhtDefaults: DhtLimits = {
  answerMs: 1_500, // Twice over a satellite and back.
  lookupMs: 10_000, // Some waits for nodes that are gone.
  lookupsMax: 8, // Each has six questions under way.
  foundMax: 256, // More hints than anyone follows.
  copies: 8, // Mainline's own number: of eight, some are there an hour later.
  announceMs: 3_600_000,
  retryMs: 30_000,
  publishedMax: 1_000, // 13 packets a second, sent and received.
  quietMs: 900_000,
  refreshMs: 900_000,
  roundMs: 60_000,
  aloneMs: 5_000, // The first word may be lost, like any.
  valueMs: 9_000_000, // Two announcements may be missed.
  valuesMax: 10_000, // 2 MB.
  valuesPerKey: 256,
  valuesPerHost: 4_000, // Some nodes behind one address, with all that they may publish.
  valuesPerHostAndKey: 8,
}
