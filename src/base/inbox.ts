interface Item<T> {
  readonly value: T
  readonly read: () => void
}

/**
 * What one side puts in and the other pulls, once. Whoever puts something in may wait until it has been read:
 * then its memory may be used again, and nothing piles up.
 */
export class Inbox<T> implements AsyncIterable<T> {
  readonly #items: Item<T>[] = []
  #wake = () => {}
  #isEnded = false
  #failure: Error | undefined
  #isLeft = false

  /** Resolves when the reader has asked for the next thing, or has left. Rejects with the signal's reason. */
  push(value: T, signal?: AbortSignal): Promise<void> {
    if (this.#isLeft || this.#isEnded) return Promise.resolve()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const abandon = () => reject(signal!.reason as Error)
    if (signal?.aborted) abandon()
    signal?.addEventListener('abort', abandon, { once: true })
    const read = () => {
      signal?.removeEventListener('abort', abandon)
      resolve()
    }
    this.#items.push({ value, read })
    this.#wake()
    return promise
  }

  /** Nothing more comes; with a failure the reader is told of it, behind what is there. */
  end(failure?: Error): void {
    this.#isEnded = true
    this.#failure ??= failure
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    try {
      for (;;) {
        const item = this.#items[0]
        if (item === undefined && this.#failure !== undefined) throw this.#failure
        if (item === undefined && this.#isEnded) return
        if (item === undefined) {
          await new Promise<void>((resolve) => (this.#wake = resolve))
          continue
        }
        yield item.value
        this.#items.shift()
        item.read()
      }
    } finally {
      this.#isLeft = true
      for (const { read } of this.#items.splice(0)) read()
    }
  }
}
