import type { Address } from '../address/address.ts'
import type { Clock } from '../base/clock.ts'
import { shardBytesOf } from '../coding/code.ts'
import type { Layout } from '../coding/layout.ts'
import type { Lease } from '../lease/lease.ts'
import type { Activity } from '../node/activity.ts'
import type { Answer, Held, Holder, Into, Wanted } from '../node/holder.ts'
import type { Member } from '../node/member.ts'
import { BytePace } from '../transport/pace.ts'

const busyTimes = 8 // A byte that is moved while people wait counts so many times.
const burstBytes = 4 * 2 ** 20 // A block and its parity at once.

export interface BudgetParts {
  readonly clock: Clock
  readonly activity: Activity
  /** What looking after blocks may move between members. */
  readonly bytesPerSecond: number
}

/** What looking after blocks may send and fetch: less while people read and write here. */
export class Budget {
  readonly #activity: Activity
  readonly #pace: BytePace
  #movedBytes = 0

  constructor({ clock, activity, bytesPerSecond }: BudgetParts) {
    this.#activity = activity
    this.#pace = new BytePace({ clock, bytesPerSecond, burstBytes })
  }

  /** Bytes of shards that came or went, ever. */
  get movedBytes(): number {
    return this.#movedBytes
  }

  /** Waits until so many more may be moved. */
  async wait(bytes: number, signal: AbortSignal): Promise<void> {
    await this.#pace.take(this.#activity.isBusy ? bytes * busyTimes : bytes, signal)
  }

  moved(bytes: number): void {
    this.#movedBytes += bytes
  }
}

/** A holder around a holder elsewhere: what it gives and takes is counted, and waits for the budget. */
export class MeteredHolder implements Holder {
  readonly #inner: Holder
  readonly #budget: Budget

  constructor(inner: Holder, budget: Budget) {
    this.#inner = inner
    this.#budget = budget
  }

  get member(): Member {
    return this.#inner.member
  }

  have(block: Address, signal: AbortSignal, leases?: readonly Lease[]): Promise<Held[]> {
    return this.#inner.have(block, signal, leases)
  }

  async keep(
    layout: Layout,
    index: number,
    bytes: Uint8Array,
    signal: AbortSignal,
    leases: readonly Lease[],
  ): Promise<boolean> {
    await this.#budget.wait(bytes.length, signal)
    const isNew = await this.#inner.keep(layout, index, bytes, signal, leases)
    this.#budget.moved(bytes.length)
    return isNew
  }

  /** How large a shard is, is known when it has come: the next one waits for it. */
  async fetch(block: Address, wanted: Wanted, into: Into, signal: AbortSignal): Promise<Answer> {
    await this.#budget.wait(0, signal)
    const answer = await this.#inner.fetch(block, wanted, into, signal)
    const layout = answer.fetched?.layout
    if (layout !== undefined) {
      const bytes = shardBytesOf(layout, layout.size)
      this.#budget.moved(bytes)
      await this.#budget.wait(bytes, signal)
    }
    return answer
  }
}
