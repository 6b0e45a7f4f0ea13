/** When a node looks after its blocks, and how long it waits for members. Milliseconds. */
export interface MendLimits {
  /** Between two looks at who is here. */
  readonly tickMs: number
  /** Members come and go in groups: a pass begins when nobody has for so long. */
  readonly settleMs: number
  /** From the end of a pass that found nothing to do to the next one. */
  readonly passMs: number
  /** The same after a pass that left something to do, or to be looked at again. */
  readonly againMs: number
  /** The same after one that could not do all. */
  readonly retryMs: number
  /** Nothing is removed until the members have been the same for so long. */
  readonly safeMs: number
  /** After a start, those who were here before are waited for. */
  readonly returnMs: number
  /** Who has been silent for so long is gone for good: the swarm aims at what those who are left can do. */
  readonly goneMs: number
}

export const mendDefaults: MendLimits = {
  tickMs: 5_000,
  settleMs: 5_000,
  passMs: 6 * 3_600_000, // Rot is noticed by who has it; this is for what nobody notices.
  againMs: 30_000,
  retryMs: 120_000,
  safeMs: 60_000,
  returnMs: 600_000, // As long as it takes for a member to be away.
  goneMs: 24 * 3_600_000, // A machine that is repaired, or carried home, is back within a day.
}
