import type { Clock } from '../base/clock.ts'
import { DreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { layoutId } from '../coding/layout.ts'
import type { Lease } from '../lease/lease.ts'
import type { Shard } from '../store/store.ts'
import type { PeerId } from '../transport/transporter.ts'
import type { Holder } from './holder.ts'
import { nextHome } from './placement.ts'
import { reasonsOf } from './reasons.ts'

const refusalMs = 60_000 // Long beside what a shard sent in vain costs, short beside a leaving.

/**
 * - `there`: others had it already
 * - `sent`: to a member that has no other shard of the layout
 * - `crowded`: sent to one that has: when it is lost, so are both
 */
export type HandedOver = 'there' | 'sent' | 'crowded'

export interface HandOverParts {
  /** What covers the block where it goes. */
  readonly leases: readonly Lease[]
  /** Who refused lately: a full member is not sent shard after shard in vain. */
  readonly refusals: Refusals
  readonly log: Log
  readonly signal: AbortSignal
}

/**
 * Brings one shard to the member that should have it, of those in `order`; when that one refuses or does
 * not answer, to the next. A shard that one of those who should have the block has is not sent again; of
 * copies, which are all alike, as many are kept as the layout wants. Throws 'not-enough-members', with
 * what each said, when nobody took it.
 */
export async function handOver(
  shard: Shard,
  order: readonly Holder[],
  parts: HandOverParts,
): Promise<HandedOver> {
  return new HandingOver(shard, order, parts).run()
}

class HandingOver {
  readonly #shard: Shard
  readonly #layout: string
  readonly #order: readonly Holder[]
  readonly #parts: HandOverParts
  /** Which shards of the layout those have who were asked. */
  readonly #homes = new Map<Holder, Set<number>>()
  readonly #asked = new Set<Holder>()
  readonly #failed = new Map<Holder, unknown>()

  constructor(shard: Shard, order: readonly Holder[], parts: HandOverParts) {
    this.#shard = shard
    this.#layout = layoutId(shard.layout)
    this.#order = order
    this.#parts = parts
  }

  async run(): Promise<HandedOver> {
    await Promise.all(this.#order.slice(0, this.#shard.layout.n).map((each) => this.#ask(each)))
    while (!this.#isThere()) {
      const holder = this.#next()
      if (holder === undefined) throw this.#nobody()
      if (!this.#asked.has(holder)) await this.#ask(holder)
      else if (await this.#send(holder)) return this.#homes.has(holder) ? 'crowded' : 'sent'
    }
    return 'there'
  }

  #isThere(): boolean {
    const { layout, index } = this.#shard
    if (layout.k > 1) return [...this.#homes.values()].some((indexes) => indexes.has(index))
    const copies = this.#homes.size
    return copies > 0 && copies >= Math.min(layout.n, this.#order.length)
  }

  /** A member with room in its place; else whoever refused lately, and whoever has a shard. */
  #next(): Holder | undefined {
    const left = this.#order.filter((holder) => !this.#failed.has(holder))
    const willing = left.filter(({ member }) => !this.#parts.refusals.wasLately(member.id))
    const isFree = (holder?: Holder) => holder !== undefined && !this.#homes.has(holder)
    const next = [willing, left].map((some) => nextHome(some, this.#homes))
    if (this.#shard.layout.k === 1) return next.find(isFree) // Two copies on one member are worth one.
    return next.find(isFree) ?? next[1]
  }

  async #ask(holder: Holder): Promise<void> {
    this.#asked.add(holder)
    try {
      const { signal, leases } = this.#parts
      const held = await holder.have(this.#shard.layout.block, signal, leases)
      const same = held.filter(({ layout }) => layout === this.#layout)
      if (same.length > 0) this.#homes.set(holder, new Set(same.map(({ index }) => index)))
    } catch (error) {
      this.#giveUpOn(holder, error)
    }
  }

  async #send(holder: Holder): Promise<boolean> {
    const { layout, index, bytes } = this.#shard
    try {
      await holder.keep(layout, index, bytes, this.#parts.signal, this.#parts.leases)
      this.#parts.refusals.forget(holder.member.id)
      return true
    } catch (error) {
      this.#giveUpOn(holder, error)
      return false
    }
  }

  #giveUpOn(holder: Holder, error: unknown): void {
    const { signal, refusals, log } = this.#parts
    const { id } = holder.member
    signal.throwIfAborted()
    this.#failed.set(holder, error)
    const fields = { member: id, block: String(this.#shard.layout.block) }
    if (!refusals.wasLately(id)) {
      log.warn(`a member did not take a shard over: ${messageOf(error)}`, fields)
    }
    refusals.note(id)
  }

  #nobody(): DreyError {
    const why = reasonsOf(this.#failed) || 'there is no other member'
    return new DreyError('not-enough-members', `nobody took it (${why})`)
  }
}

/** Members that refused something, or did not answer, less than a minute ago. */
export class Refusals {
  readonly #clock: Clock
  readonly #at = new Map<PeerId, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  note(id: PeerId): void {
    this.#at.set(id, this.#clock.now())
  }

  forget(id: PeerId): void {
    this.#at.delete(id)
  }

  wasLately(id: PeerId): boolean {
    return this.#clock.now() - (this.#at.get(id) ?? -Infinity) < refusalMs
  }
}
