import type { Clock } from '../base/clock.ts'

const patienceMs = 500 // Longer than a hiccup: a reader may take so long for a piece,
const wantedMs = 25 // and so long while others wait, in which a common line takes one.

export interface TurnParts {
  /** A chunk is ours until the next one is asked for. */
  readonly chunks: AsyncGenerator<Uint8Array>
  readonly clock: Clock
  /** Whether others wait for a turn. */
  readonly isWanted: () => boolean
  /** Called once, when what it held is given back. */
  readonly over: () => void
}

/**
 * A time in which one reader may hold memory of the pool. Whoever takes it ends it, by disposing of it at the
 * latest; it ends by itself when its reader is late.
 */
export class Turn implements AsyncDisposable {
  readonly #parts: TurnParts
  readonly #ending = new AbortController()
  #chunk: Uint8Array = new Uint8Array()
  #ended: Promise<void> | undefined
  /** Since when it waits for its reader. */
  #waitsSince: number | undefined
  #waitedMs = 0

  constructor(parts: TurnParts) {
    this.#parts = parts
    this.#watch().catch(() => {}) // It ended otherwise; what it failed with is told to whoever ended it.
  }

  get isOver(): boolean {
    return this.#ended !== undefined
  }

  /** Whether its reader has made it wait for as long as one may altogether, while others wait. */
  get isUsedUp(): boolean {
    return this.#waitedMs > patienceMs
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

  /** The reader has a piece, and nothing of the pool is needed until it has taken it. */
  handed(): void {
    this.#waitsSince = this.#parts.clock.now()
  }

  taken(): void {
    this.#waitedMs += this.#parts.clock.now() - this.#waitsSince!
    this.#waitsSince = undefined
  }

  /** Gives back what it holds. It may be called again. */
  end(): Promise<void> {
    return (this.#ended ??= this.#giveBack())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end()
  }

  async #watch(): Promise<void> {
    const { clock, isWanted } = this.#parts
    for (;;) {
      await clock.sleep(wantedMs, this.#ending.signal)
      const waits = this.#waitsSince === undefined ? 0 : clock.now() - this.#waitsSince
      if (waits >= (isWanted() ? wantedMs : patienceMs)) return this.end()
    }
  }

  async #giveBack(): Promise<void> {
    const { chunks, over } = this.#parts
    this.#ending.abort(new Error('the turn is over'))
    try {
      await chunks.return(undefined)
    } finally {
      over()
    }
  }
}
