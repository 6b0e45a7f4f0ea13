import type { Clock } from '../base/clock.ts'

export interface PaceParts {
  readonly clock: Clock
  readonly bytesPerSecond: number
  /** What may pass at once after a quiet while. */
  readonly burstBytes: number
}

/**
 * A limit of bytes per second that many share: whoever takes waits for its turn, in the order of asking.
 * What is taken is spent, though its taker leaves before its turn.
 *
 * It is a bucket of tokens, kept as one number: when the bucket will be full again. So taking costs no
 * queue, and rests that are too long are made up for by the next one.
 */
export class BytePace {
  readonly #parts: PaceParts
  #fullAt = -Infinity
  #seenAt = -Infinity

  constructor(parts: PaceParts) {
    this.#parts = parts
  }

  /** Rejects with the signal's reason. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const { clock, bytesPerSecond, burstBytes } = this.#parts
    const now = clock.now()
    if (now < this.#seenAt) this.#fullAt -= this.#seenAt - now // The machine's clock was set back.
    this.#seenAt = now
    this.#fullAt = Math.max(this.#fullAt, now) + (bytes * 1000) / bytesPerSecond
    const waitMs = this.#fullAt - now - (burstBytes * 1000) / bytesPerSecond
    if (waitMs > 0) await clock.sleep(waitMs, signal)
  }
}
