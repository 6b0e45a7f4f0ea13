import { Window } from '../base/flow.ts'
import { formatEndpoint } from '../transport/endpoint.ts'
import type { DhtLimits } from './dhtLimits.ts'
import { Ending } from './dhtWait.ts'
import { Walk, type Walked, type WalkOptions, type WalkParts } from './dhtWalk.ts'

/** How a lookup went. */
export interface Lookup {
  /**
   * How many were asked in a row, each told of by the one before: up to the first value, or to the closest
   * node; 0 when this node knew by itself.
   */
  readonly hops: number
  /** Questions sent, and answers to them. */
  readonly asked: number
  readonly answered: number
  readonly tookMs: number
}

export interface LookupOptions {
  readonly signal: AbortSignal
  /** Told at its end how the lookup went. */
  readonly walked?: (how: Lookup) => void
}

export interface LookupsParts extends WalkParts {
  readonly limits: DhtLimits
}

/** Walks through the DHT, a few at a time, each for a limited time. */
export class Lookups {
  readonly #parts: LookupsParts
  readonly #room: Window
  readonly #over = new AbortController()

  constructor(parts: LookupsParts) {
    this.#parts = parts
    this.#room = new Window(parts.limits.lookupsMax)
  }

  /** Ends all of them. */
  close(): void {
    this.#over.abort(new Error('the node is stopping'))
  }

  /** To the closest nodes. Rejects with the signal's reason. */
  async walk(
    target: Buffer,
    { q, width, signal, walked }: Omit<WalkOptions, 'told'> & LookupOptions,
  ): Promise<Walked> {
    const started = this.#parts.clock.now()
    const found = await this.#walk(target, { q, width, signal })
    this.#throwIfOver(signal)
    const { asked, answered, closest } = found
    const tookMs = this.#parts.clock.now() - started
    walked?.({ hops: closest[0]?.hops ?? 0, asked, answered, tookMs })
    return found
  }

  /**
   * What was announced under a key, as it comes, after what is known here (`own`). Throws the signal's
   * reason. Whoever reads no further ends the walk.
   */
  async *announced(
    target: Buffer,
    own: readonly Buffer[],
    { signal, walked }: LookupOptions,
  ): AsyncGenerator<string> {
    const { clock, limits } = this.#parts
    const started = clock.now()
    using reading = new Ending(signal)
    const found: string[] = []
    let hops = 0
    let isOver = false
    let news = Promise.withResolvers<void>()
    const told = (values: readonly Buffer[], by: { readonly hops: number }) => {
      if (found.length === 0) hops = by.hops
      for (const value of values.map(formatValue)) {
        if (!found.includes(value) && found.length < limits.foundMax) found.push(value)
      }
      news.resolve()
    }
    told(own, { hops: 0 })
    const options = { q: 'get_peers', width: limits.copies, signal: reading.signal, told } as const
    const walking = this.#walk(target, options).finally(() => {
      isOver = true
      news.resolve()
    })
    try {
      for (let at = 0; at < found.length || !isOver;) {
        if (at < found.length) yield found[at++]!
        else {
          await news.promise
          news = Promise.withResolvers()
        }
      }
      this.#throwIfOver(signal)
    } finally {
      reading.end()
      const { asked, answered, closest } = await walking
      if (found.length === 0) hops = closest[0]?.hops ?? 0
      walked?.({ hops, asked, answered, tookMs: clock.now() - started })
    }
  }

  /** When it is stopped, or the time is up, it is what was found until then. */
  async #walk(target: Buffer, options: WalkOptions): Promise<Walked> {
    const { clock, limits } = this.#parts
    using ending = new Ending(options.signal, this.#over.signal)
    const { signal } = ending
    try {
      await this.#room.take(1, signal)
    } catch {
      return { closest: [], asked: 0, answered: 0 } // Stopped while it waited.
    }
    clock.sleep(limits.lookupMs, signal).then(
      () => ending.end(),
      () => {}, // It ended in time.
    )
    try {
      return await new Walk(this.#parts, target, { ...options, signal }).run()
    } finally {
      this.#room.give(1)
    }
  }

  #throwIfOver(signal: AbortSignal): void {
    signal.throwIfAborted()
    this.#over.signal.throwIfAborted()
  }
}

function formatValue(value: Buffer): string {
  return formatEndpoint(value.subarray(0, 4).join('.'), value.readUInt16BE(4))
}
