import type { Clock } from '../base/clock.ts'

const restMs = 500 // Between two things that a person waits for.

/** Knows whether people wait for this node: what has time gives way then. */
export class Activity {
  readonly #clock: Clock
  #underway = 0
  #at = -Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Somebody waits until `end` is called; call it once. */
  begin(): { end: () => void } {
    this.#underway += 1
    return {
      end: () => {
        this.#underway -= 1
        this.note()
      },
    }
  }

  /** Somebody waits for something small. */
  note(): void {
    this.#at = this.#clock.now()
  }

  get isBusy(): boolean {
    const agoMs = this.#clock.now() - this.#at
    return this.#underway > 0 || (agoMs >= 0 && agoMs < restMs) // Below zero: the clock was set back.
  }
}
