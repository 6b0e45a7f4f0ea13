import type { Clock } from '../base/clock.ts'

/**
 * Time limits of many things at once, with one rest at a time: a rest for each, begun and broken off
 * thousands of times a second, took 7 % of a busy sender's time.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #limits = new Set<{ at: number; late: () => void }>()
  #wakeAt = Infinity
  #nap = new AbortController()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `late` when the time is over, unless the function that this returns is called before. */
  add(ms: number, late: () => void): () => void {
    const limit = { at: this.#clock.now() + ms, late }
    this.#limits.add(limit)
    if (limit.at < this.#wakeAt) this.#rest(limit.at)
    return () => void this.#limits.delete(limit)
  }

  close(): void {
    this.#limits.clear()
    this.#nap.abort(broken)
  }

  /** Rests until `at`; whoever rested for longer is woken. */
  #rest(at: number): void {
    this.#nap.abort(broken)
    const nap = new AbortController()
    this.#nap = nap
    this.#wakeAt = at
    const woken = () => this.#wake()
    this.#clock.sleep(Math.max(0, at - this.#clock.now()), nap.signal).then(woken, () => {}) // Broken off.
  }

  #wake(): void {
    this.#wakeAt = Infinity
    const now = this.#clock.now()
    for (const limit of this.#limits) {
      if (limit.at > now) continue
      this.#limits.delete(limit)
      limit.late()
    }
    const next = Math.min(...[...this.#limits].map(({ at }) => at))
    if (next < this.#wakeAt) this.#rest(next)
  }
}

/** A reason that is made once: making one costs more than breaking off. */
const broken = new Error('no longer needed')
