import { formatAddress } from '../address/address.ts'
import { free } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { DreyError, messageOf } from '../base/error.ts'
import { mapAhead } from '../base/flow.ts'
import type { Log } from '../base/log.ts'
import type { Membership } from '../discovery/membership.ts'
import type { LeaseBook } from '../lease/book.ts'
import type { Shard, ShardName, Store } from '../store/store.ts'
import { Turns } from '../store/turns.ts'
import { handOver, Refusals, type HandedOver } from './handOver.ts'
import type { Holder } from './holder.ts'
import { placementOrder, type Place } from './placement.ts'

const defaults = {
  shardsAhead: 8, // Hides the wait for others' disks. Memory: as many shards, of 1 MiB at most.
  failuresMax: 1_000, // That are told one by one; all are counted.
} as const

export interface DrainParts {
  readonly store: Store
  readonly book: LeaseBook
  /** The other members that can be asked now. */
  readonly others: () => readonly Holder[]
  readonly clock: Clock
  readonly log: Log
}

export interface DrainOptions {
  readonly signal: AbortSignal
  /** Hears of each shard that is done with. */
  readonly report?: (progress: DrainProgress) => void
}

export interface DrainProgress {
  /** Shards that are done with, of those the store held when it began. */
  readonly done: number
  readonly total: number
  /** Shards that were sent, and their bytes. */
  readonly sent: number
  readonly sentBytes: number
  /** Of those sent, how many went to a member that has another shard of the block. */
  readonly crowded: number
  /** Shards that others had already. */
  readonly there: number
  /** Shards that are still here alone, and those that could not be read. */
  readonly failed: number
}

/** A shard that could not be handed over, and why. */
export interface DrainFailure {
  /** `unreadable`: its bytes had rotted, or the disk failed. `refused`: nobody took it. */
  readonly what: 'unreadable' | 'refused'
  readonly block: string
  readonly index: number
  readonly why: string
}

export interface DrainReport extends DrainProgress {
  /** The first thousand of those that failed. */
  readonly failures: readonly DrainFailure[]
}

/**
 * Hands every shard of this node's store to the members who should have it when this node is gone.
 * Nothing is deleted here: when it has resolved without failures, the node is not needed any more, and
 * only then. It may be broken off at any time and begun again: what others have is not sent again. The
 * swarm is to know before that this node is leaving, or it is given new shards meanwhile. Throws
 * 'not-enough-members' when there is nobody else.
 */
export async function drain(parts: DrainParts, options: DrainOptions): Promise<DrainReport> {
  return new Draining(parts, options).run()
}

/** What became of a shard, and how many bytes it has. */
type Outcome = { how: HandedOver; bytes: number } | DrainFailure

class Draining {
  readonly #parts: DrainParts
  readonly #options: DrainOptions
  readonly #refusals: Refusals
  /** Shards of one layout one after the other: where one went counts for where the next one goes. */
  readonly #turns = new Turns()
  readonly #failures: DrainFailure[] = []
  #progress = { done: 0, total: 0, sent: 0, sentBytes: 0, crowded: 0, there: 0, failed: 0 }

  constructor(parts: DrainParts, options: DrainOptions) {
    this.#parts = parts
    this.#options = options
    this.#refusals = new Refusals(parts.clock)
  }

  async run(): Promise<DrainReport> {
    const { store } = this.#parts
    const { signal, report = () => {} } = this.#options
    this.#progress.total = (await store.usage()).shards
    if (this.#progress.total > 0 && this.#takers().length === 0) {
      throw new DreyError('not-enough-members', 'no other member is here that stores shards')
    }
    const work = (name: ShardName, stopped: AbortSignal) => {
      const either = AbortSignal.any([signal, stopped])
      return this.#turns.take(name.layout, () => this.#finish(name, either))
    }
    for await (const outcome of mapAhead(store.list(), defaults.shardsAhead, work)) {
      this.#note(outcome)
      report({ ...this.#progress })
    }
    return { ...this.#progress, failures: this.#failures }
  }

  /** Reads a shard and hands it over. What fails is an outcome as well; only an abort is thrown. */
  async #finish(name: ShardName, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted()
    const { store, book, log } = this.#parts
    let shard: Shard | undefined
    try {
      const leases = book.carried(name.block)
      if (leases === undefined) return { how: 'there', bytes: 0 } // Nobody misses it.
      shard = await store.get(name, { signal })
      if (shard === undefined) throw new Error('it had rotted, or was removed meanwhile')
      const order = placementOrder(name.block, this.#takers()).map(({ holder }) => holder)
      const how = await handOver(shard, order, { refusals: this.#refusals, leases, log, signal })
      return { how, bytes: shard.bytes.length }
    } catch (error) {
      signal.throwIfAborted()
      const what = shard === undefined ? 'unreadable' : 'refused'
      const block = formatAddress(name.block)
      return { what, block, index: name.index, why: messageOf(error) }
    } finally {
      if (shard !== undefined) free(shard.bytes)
    }
  }

  #takers(): (Place & { holder: Holder })[] {
    const others = this.#parts.others().map((holder) => ({ holder, ...holder.member }))
    return others.filter(({ capacity }) => capacity > 0)
  }

  #note(outcome: Outcome): void {
    const so = this.#progress
    so.done += 1
    so.total = Math.max(so.total, so.done) // Some may have come after they were counted.
    if ('what' in outcome) {
      so.failed += 1
      if (this.#failures.length < defaults.failuresMax) this.#failures.push(outcome)
    } else if (outcome.how === 'there') so.there += 1
    else {
      so.sent += 1
      so.sentBytes += outcome.bytes
      if (outcome.how === 'crowded') so.crowded += 1
    }
  }
}

/** While `work` hands over what is here, nobody sends this node new shards; when it fails, they do again. */
export async function leaving<T>(membership: Membership, work: () => Promise<T>): Promise<T> {
  await membership.say({ stage: 'leaving' })
  try {
    return await work()
  } catch (error) {
    await membership.say({ stage: 'here' })
    throw error
  }
}
