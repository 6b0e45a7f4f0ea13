/** How long fetches usually take: an average that forgets slowly. */
export class Pace {
  #usualMs = 0

  get usualMs(): number {
    return this.#usualMs
  }

  took(ms: number): void {
    this.#usualMs = this.#usualMs === 0 ? ms : this.#usualMs * 0.9 + ms * 0.1
  }
}
