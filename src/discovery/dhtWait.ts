import type { Clock } from '../base/clock.ts'

const over = new Error('it is over') // One for all: an abort without a reason makes an error each time.

/**
 * A signal that ends with any of others, or by itself. Instead of `AbortSignal.any`, which leaves a trace of
 * each in the others until the collector comes by: a node's own signal would gather millions.
 */
export class Ending implements Disposable {
  readonly #controller = new AbortController()
  readonly #others: readonly AbortSignal[]
  readonly #listener = () => this.end()

  constructor(...others: readonly AbortSignal[]) {
    this.#others = others
    for (const other of others) other.addEventListener('abort', this.#listener)
    if (others.some(({ aborted }) => aborted)) this.end()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  end(): void {
    this.#controller.abort(over)
  }

  /** Ends it, and lets go of the others. */
  [Symbol.dispose](): void {
    this.end()
    for (const other of this.#others) other.removeEventListener('abort', this.#listener)
  }
}

/** Rejects with the signal's reason: what the engine never calls back for is not waited for then. */
export async function unlessAborted<T>(done: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason as Error)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([done, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Somebody who can be woken. */
export class Sleeper {
  readonly #clock: Clock
  #nap?: Ending

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Says whether it was woken before the time was over. Throws the signal's reason. */
  async sleep(ms: number, signal: AbortSignal): Promise<boolean> {
    using nap = new Ending(signal)
    this.#nap = nap
    let isWoken = false
    await this.#clock.sleep(ms, nap.signal).catch(() => (isWoken = true))
    signal.throwIfAborted()
    return isWoken
  }

  /** Who does not sleep is awake. */
  wake(): void {
    this.#nap?.end()
  }
}
