import type { Address } from '../address/address.ts'
import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/error.ts'
import { mapAhead, Window } from '../base/flow.ts'
import type { Log } from '../base/log.ts'
import { Rarely } from '../base/rarely.ts'
import type { LeaseSweep, Waiting } from '../lease/sweep.ts'
import type { Activity } from '../node/activity.ts'
import type { Keeping } from '../node/keeping.ts'

const defaults = {
  blocksAtOnce: 64,
  removedAtOnce: 4, // They wait for folders to be read.
  restTimes: 3, // While people wait, it rests three times as long as it works.
  roundMaxMs: 60_000, // However long the grace time is: ended leases take up room too.
  roundMinMs: 50,
} as const

/** What was removed because nobody wanted it. */
export interface Garbage {
  /** Blocks that nobody wanted. */
  readonly blocks: number
  /** Shards of them. */
  readonly shards: number
  /** Bytes of those shards. */
  readonly bytes: number
}

/** How removing what nobody wants stands. */
export interface GarbageReport {
  /** In this round; or what would be, when it was only asked. */
  readonly removed: Garbage
  /** What nobody wants, and what is kept until its time is over. */
  readonly waiting: Waiting
  /** What nobody has spoken for, and is kept for that. */
  readonly adopted: Waiting
}

export interface CollectorParts {
  readonly keeping: Keeping
  readonly sweep: LeaseSweep
  readonly activity: Activity
  readonly clock: Clock
  readonly log: Log
}

export interface RoundOptions {
  readonly signal: AbortSignal
  readonly report?: (removed: Garbage) => void
}

/**
 * Removes the shards of blocks that no lease covers any more, once nobody has wanted them for the grace time.
 * It may be killed at any instant: a block is removed from the book after its shards.
 */
export class Collector {
  readonly #parts: CollectorParts
  readonly #graceMs: number
  readonly #rarely: Rarely
  readonly #rounds = new Window(1) // A person's, and those that come by themselves.
  #removed: Garbage = { blocks: 0, shards: 0, bytes: 0 }

  constructor(parts: CollectorParts, { graceMs }: { graceMs: number }) {
    this.#parts = parts
    this.#graceMs = graceMs
    this.#rarely = new Rarely(parts.clock)
  }

  /** Since the node started. */
  get removed(): Garbage {
    return this.#removed
  }

  /** A round now and then, until it is told to stop. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    const { roundMinMs, roundMaxMs } = defaults
    const roundMs = Math.max(roundMinMs, Math.min(roundMaxMs, this.#graceMs / 4))
    while (!signal.aborted) {
      try {
        await this.collect({ signal })
        await clock.sleep(roundMs, signal)
      } catch (error) {
        if (signal.aborted) return
        this.#say(error)
        await clock.sleep(roundMs, signal).catch(() => {}) // Only when the node closes.
      }
    }
  }

  /** Removes what is due, and says what is left. Throws what a store threw, when all the others have gone. */
  async collect({ signal, report = () => {} }: RoundOptions): Promise<GarbageReport> {
    await this.#rounds.take(1, signal)
    try {
      await this.#sweepAll(signal)
      const before = this.#removed
      const now = () => difference(this.#removed, before)
      await this.#removeAll(signal, () => report(now()))
      await this.#parts.sweep.compact()
      return { removed: now(), ...this.#left() }
    } finally {
      this.#rounds.give(1)
    }
  }

  /** What a round would do now. */
  async look({ signal }: RoundOptions): Promise<GarbageReport> {
    await this.#sweepAll(signal)
    const { blocks, bytes } = this.#parts.sweep.waiting(this.#graceMs)
    const left = this.#left()
    const waiting = { blocks: left.waiting.blocks - blocks, bytes: left.waiting.bytes - bytes }
    return { ...left, removed: { blocks, shards: blocks, bytes }, waiting }
  }

  #left(): Omit<GarbageReport, 'removed'> {
    const { sweep } = this.#parts
    return { waiting: sweep.waiting(), adopted: sweep.adopted() }
  }

  async #sweepAll(signal: AbortSignal): Promise<void> {
    const { keeping, sweep, clock } = this.#parts
    await keeping.book.tick()
    await sweep.expire(this.#graceMs)
    let began = clock.now()
    while (await sweep.takeSome()) {
      await this.#giveWay(clock.now() - began, signal)
      began = clock.now()
    }
  }

  /** One that cannot be removed, or is being claimed, does not hold up those behind it. */
  async #removeAll(signal: AbortSignal, report: () => void): Promise<void> {
    const { keeping, sweep, clock } = this.#parts
    const errors: unknown[] = []
    const work = (block: Address) =>
      keeping.book
        .letGo(block, this.#graceMs, (bytes) => this.#remove(block, bytes))
        .catch((error: unknown) => void errors.push(error))
    let stayed = 0
    for (;;) {
      const began = clock.now()
      const due = sweep.due(this.#graceMs, defaults.blocksAtOnce, stayed)
      if (due.length === 0) break
      for await (const isGone of mapAhead(due, defaults.removedAtOnce, work)) {
        signal.throwIfAborted()
        if (!isGone) stayed += 1
      }
      report()
      await this.#giveWay(clock.now() - began, signal)
    }
    if (errors.length > 0) throw errors[0]
  }

  async #remove(block: Address, bytes: number): Promise<void> {
    const { store } = this.#parts.keeping
    let shards = 0
    for (const name of await store.shardsOf(block)) if (await store.delete(name)) shards += 1
    const so = this.#removed
    this.#removed = { blocks: so.blocks + 1, shards: so.shards + shards, bytes: so.bytes + bytes }
  }

  async #giveWay(tookMs: number, signal: AbortSignal): Promise<void> {
    const { activity, clock } = this.#parts
    await clock.sleep(activity.isBusy ? tookMs * defaults.restTimes : 0, signal)
  }

  #say(error: unknown): void {
    this.#rarely.say('failed', () => {
      this.#parts.log.error(
        `what nobody wants could not be removed, and will be: ${messageOf(error)}`,
      )
    })
  }
}

function difference(a: Garbage, b: Garbage): Garbage {
  return { blocks: a.blocks - b.blocks, shards: a.shards - b.shards, bytes: a.bytes - b.bytes }
}
