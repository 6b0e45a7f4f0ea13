const forgets = 1.05 // A path that has become longer is known as such after some twenty fetches.

/** How long fetches take. */
export class Pace {
  #usualMs = 0
  #quickestMs = Infinity

  /** An average that forgets slowly. */
  get usualMs(): number {
    return this.#usualMs
  }

  /** The quickest of the last few: how far away the nearest are, however busy everyone is. */
  get quickestMs(): number {
    return this.#quickestMs === Infinity ? 0 : this.#quickestMs
  }

  took(ms: number): void {
    this.#usualMs = this.#usualMs === 0 ? ms : this.#usualMs * 0.9 + ms * 0.1
    this.#quickestMs = Math.min(ms, Math.max(1, this.#quickestMs) * forgets)
  }
}
