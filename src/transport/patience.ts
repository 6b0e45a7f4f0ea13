import type { Clock } from '../base/clock.ts'

/** A time limit whose rest ends with what it limits. When it is over, `signal` aborts with `why`. */
export class Patience implements Disposable {
  readonly #late = new AbortController()
  readonly #done = new AbortController()

  constructor(clock: Clock, ms: number, why: Error) {
    clock.sleep(ms, this.#done.signal).then(
      () => this.#late.abort(why),
      () => {}, // In time.
    )
  }

  get signal(): AbortSignal {
    return this.#late.signal
  }

  [Symbol.dispose](): void {
    this.#done.abort()
  }
}
