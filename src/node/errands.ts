import { timeLimit, type Clock } from '../base/clock.ts'
import { DreyError } from '../base/error.ts'
import { Window } from '../base/flow.ts'
import type { Activity } from './activity.ts'

const closingMs = 5_000 // For errands to notice that the node closes.
const errandsMax = 24 // Each may hold two slots for sure; the pool has 64.

/** One thing that somebody waits for; it is over when it is disposed of. */
export interface Errand extends AsyncDisposable {
  readonly signal: AbortSignal
}

/** What a node does for people: so many things at a time, until it closes. */
export class Errands implements AsyncDisposable {
  readonly #activity: Activity
  readonly #clock: Clock
  readonly #window = new Window(errandsMax)
  readonly #closing = new AbortController()

  constructor(activity: Activity, clock: Clock) {
    this.#activity = activity
    this.#clock = clock
  }

  /** Says when the node closes. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /** Waits for its turn. */
  async begin(outer?: AbortSignal): Promise<Errand> {
    const signal = AbortSignal.any([this.closing, ...(outer ? [outer] : [])])
    await this.#window.take(1, signal)
    const { end } = this.#activity.begin()
    return {
      signal,
      [Symbol.asyncDispose]: async () => {
        end()
        this.#window.give(1)
      },
    }
  }

  /** Whatever is under way lets go of its slots; a reader that neither reads nor leaves is not waited for. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DreyError('unreachable', 'the node is closing'))
    using soon = timeLimit(this.#clock, closingMs)
    try {
      await this.#window.take(errandsMax, soon.signal)
      this.#window.give(errandsMax) // Or closing it once more would wait for this.
    } catch {
      // Somebody neither reads nor leaves.
    }
  }
}
