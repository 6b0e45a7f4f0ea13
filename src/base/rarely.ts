import type { Clock } from './clock.ts'

const keysMax = 1_024

/** Lets a line through once in a while for each key, so that whoever causes it cannot fill a disk. */
export class Rarely {
  readonly #clock: Clock
  readonly #everyMs: number
  readonly #seen = new Map<string, { at: number; held: number }>()

  constructor(clock: Clock, everyMs = 60_000) {
    this.#clock = clock
    this.#everyMs = everyMs
  }

  /** Calls `say` with how often it was held back since the last time; or holds this one back too. */
  say(key: string, say: (held: number) => void): void {
    const now = this.#clock.now()
    const seen = this.#seen.get(key)
    if (seen !== undefined && now - seen.at < this.#everyMs) {
      seen.held += 1
      return
    }
    this.#seen.delete(key)
    if (this.#seen.size >= keysMax) this.#seen.delete(this.#seen.keys().next().value!)
    this.#seen.set(key, { at: now, held: 0 })
    say(seen?.held ?? 0)
  }
}
