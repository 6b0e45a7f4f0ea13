/**
 * Works on several items at once and gives the results in order. At most `window` items are between
 * `source` and the reader; while there are fewer, the next item is waited for first. When the reader leaves or a piece of work fails, `signal` (handed to `work`)
 * is aborted, what was begun is waited for, and finished results that nobody will read are given to
 * `dropped`.
 */
export async function* mapAhead<T, R>(
  source: AsyncIterable<T> | Iterable<T>,
  window: number,
  work: (item: T, signal: AbortSignal) => Promise<R>,
  dropped: (result: R) => void = () => {},
): AsyncGenerator<R> {
  const controller = new AbortController()
  const underway: Promise<R>[] = []
  try {
    for await (const item of source) {
      const result = work(item, controller.signal)
      result.catch(() => {}) // Seen when its turn comes; until then it is not an unhandled one.
      underway.push(result)
      if (underway.length >= window) yield await underway.shift()!
    }
    while (underway.length > 0) yield await underway.shift()!
  } finally {
    controller.abort(new Error('no longer needed'))
    for (const settled of await Promise.allSettled(underway)) {
      if (settled.status === 'fulfilled') dropped(settled.value)
    }
  }
}

/** A number of units (bytes, requests) that may be in use at once; whoever wants more waits in turn. */
export class Window {
  #free: number
  readonly total: number
  readonly #waiting: { units: number; go: () => void }[] = []

  constructor(total: number) {
    this.total = total
    this.#free = total
  }

  get inUse(): number {
    return this.total - this.#free
  }

  /** Whether somebody waits. */
  get isWanted(): boolean {
    return this.#waiting.length > 0
  }

  /** Waits for `units` (at most `total` are counted). Rejects with the signal's reason. */
  async take(units: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const wanted = Math.min(units, this.total)
    if (this.#waiting.length === 0 && this.#free >= wanted) {
      this.#free -= wanted
      return
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const entry = { units: wanted, go: resolve }
    this.#waiting.push(entry)
    const abandon = () => {
      const at = this.#waiting.indexOf(entry)
      if (at < 0) return // It was granted in the same turn.
      this.#waiting.splice(at, 1)
      reject(signal!.reason as Error)
      this.#grant() // Who stood behind a large wish may fit now.
    }
    signal?.addEventListener('abort', abandon, { once: true })
    try {
      await promise
    } finally {
      signal?.removeEventListener('abort', abandon)
    }
  }

  give(units: number): void {
    this.#free = Math.min(this.total, this.#free + Math.min(units, this.total))
    this.#grant()
  }

  #grant(): void {
    for (;;) {
      const next = this.#waiting[0]
      if (next === undefined || next.units > this.#free) return
      this.#waiting.shift()
      this.#free -= next.units
      next.go()
    }
  }
}
