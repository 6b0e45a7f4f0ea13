import type { Clock } from '../base/clock.ts'

export interface TurnParts {
  /** A chunk is ours until the next one is asked for. */
  readonly chunks: AsyncGenerator<Uint8Array>
  readonly clock: Clock
  /** How long a reader may take for a piece. */
  readonly patienceMs: number
  /** Called once, when what it held is given back. */
  readonly over: () => void
}

/** A time in which one reader may hold memory of the pool. Whoever takes it ends it, by disposing of it at the latest. */
export class Turn implements AsyncDisposable {
  readonly #parts: TurnParts
  #chunk: Uint8Array = new Uint8Array()
  #ended: Promise<void> | undefined
  #waitedMs = 0

  constructor(parts: TurnParts) {
    this.#parts = parts
  }

  /** How long its reader has made it wait altogether. */
  get waitedMs(): number {
    return this.#waitedMs
  }

  /** Some of the next bytes, where they stand in the pool; `undefined` when all have been given. */
  async next(bytesMax: number): Promise<Uint8Array | undefined> {
    if (this.#chunk.length === 0) {
      const next = await this.#parts.chunks.next()
      if (next.done) return undefined
      this.#chunk = next.value
    }
    const part = this.#chunk.subarray(0, bytesMax)
    this.#chunk = this.#chunk.subarray(part.length)
    return part
  }

  /** Begins to wait for the reader: when its time is up, the turn ends. What is returned says whether it has. */
  wait(): () => boolean {
    const { clock, patienceMs } = this.#parts
    const taken = new AbortController()
    const since = clock.now()
    clock.sleep(patienceMs, taken.signal).then(
      () => void this.end(),
      () => {}, // It was taken in time.
    )
    return () => {
      taken.abort()
      this.#waitedMs += clock.now() - since
      return this.#ended !== undefined
    }
  }

  /** Gives back what it holds. It may be called again. */
  end(): Promise<void> {
    return (this.#ended ??= this.#giveBack())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end()
  }

  async #giveBack(): Promise<void> {
    const { chunks, over } = this.#parts
    try {
      await chunks.return(undefined)
    } finally {
      over()
    }
  }
}
