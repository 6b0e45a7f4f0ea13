import type { Clock } from '../base/clock.ts'
import type { PeerId } from '../transport/transporter.ts'

const restMs = 500 // Between two things that a person waits for.
const recentMs = 3_000 // A slow link takes as long for a shard.

/** Knows whether people wait for this node: what has time gives way then. */
export class Activity {
  readonly #clock: Clock
  #underway = 0
  #at = -Infinity
  /** When a shard last came from a member, or went to it. */
  readonly #met = new Map<PeerId, number>()

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

  /** A shard came from this member, or went to it, for somebody who waits. */
  readonly met = (member: PeerId): void => {
    this.#met.set(member, this.#clock.now())
  }

  /** Members that were met in the last seconds: those who hold what is put or read now. */
  get partners(): number {
    const since = this.#clock.now() - recentMs
    for (const [member, at] of this.#met) if (at < since) this.#met.delete(member)
    return this.#met.size
  }

  get isBusy(): boolean {
    const agoMs = this.#clock.now() - this.#at
    return this.#underway > 0 || (agoMs >= 0 && agoMs < restMs) // Below zero: the clock was set back.
  }
}
