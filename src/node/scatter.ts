import { DreyError, isDreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { layoutId, type Layout } from '../coding/layout.ts'
import type { Lease } from '../lease/lease.ts'
import type { PeerId } from '../transport/transporter.ts'
import type { Holder } from './holder.ts'
import { nextHome } from './placement.ts'
import { reasonsOf } from './reasons.ts'
import { survivalOf } from './survival.ts'

/** What became of one block's shards. */
export interface Scattered {
  /** Members that have synced a shard of it. */
  readonly members: number
  /** Members that may vanish, whichever they are. */
  readonly survives: number
  /** Shards that were not there before. */
  readonly sent: number
}

export interface ScatterParts {
  /** What covers the block at those who have a shard of it in the end. */
  readonly leases: readonly Lease[]
  readonly log: Log
  readonly signal: AbortSignal
  /** Is told of each member that has taken a shard. */
  readonly met?: (member: PeerId) => void
}

/**
 * Brings the n shards of a block to n different members, in their placement order, and waits until they
 * are synced there. Members that have a shard already are not sent it again. A slow or dying one is
 * replaced by the next in order, of its zone if that has no other, and where none is left, by one that
 * has a shard already. Throws when not even one loss would be survived (of a code that has any parity),
 * with what each said: 'full' when room is all that is lacking, else 'not-enough-members'.
 */
export async function scatter(
  layout: Layout,
  shardAt: (index: number) => Uint8Array,
  order: readonly Holder[],
  parts: ScatterParts,
): Promise<Scattered> {
  const scattering = new Scattering(layout, shardAt, order, parts)
  await scattering.askWhatIsThere()
  await scattering.sendTheRest()
  return scattering.outcome()
}

class Scattering {
  readonly #layout: Layout
  readonly #shardAt: (index: number) => Uint8Array
  readonly #parts: ScatterParts
  /** Members that may get a shard, best first. */
  readonly #order: Holder[]
  readonly #failed = new Map<Holder, unknown>()
  /** Which shards each member has, or is being sent. */
  readonly #homes = new Map<Holder, Set<number>>()
  #sent = 0

  constructor(
    layout: Layout,
    shardAt: (index: number) => Uint8Array,
    order: readonly Holder[],
    parts: ScatterParts,
  ) {
    this.#layout = layout
    this.#shardAt = shardAt
    this.#order = [...order]
    this.#parts = parts
  }

  async askWhatIsThere(): Promise<void> {
    const id = layoutId(this.#layout)
    const ask = async (holder: Holder): Promise<void> => {
      try {
        const { signal, leases } = this.#parts
        const held = await holder.have(this.#layout.block, signal, leases)
        const same = held.filter(({ layout, index }) => layout === id && index < this.#layout.n)
        if (same.length > 0) this.#homes.set(holder, new Set(same.map(({ index }) => index)))
      } catch (error) {
        this.#giveUpOn(holder, error)
      }
    }
    await Promise.all(this.#order.slice(0, this.#layout.n).map(ask))
  }

  /** What a member takes with it when it fails goes to others: each time around, one fewer is left. */
  async sendTheRest(): Promise<void> {
    let failures: number
    do {
      failures = this.#failed.size
      await Promise.all(this.#missing().map((index) => this.#send(index)))
    } while (this.#failed.size > failures)
  }

  outcome(): Scattered {
    const { k, n } = this.#layout
    const survives = survivalOf({ k, n }, this.#homes)
    if (survives < Math.min(1, n - k)) throw this.#tooFew()
    return { members: this.#homes.size, survives, sent: this.#sent }
  }

  #tooFew(): DreyError {
    const { k, n, block } = this.#layout
    const errors = [...this.#failed.values()]
    const isFull = errors.length > 0 && errors.every((error) => isDreyError(error, 'full'))
    const why = errors.length > 0 ? ` (${reasonsOf(this.#failed)})` : ''
    const takes = n === k ? `keeping it takes ${k}` : `surviving one loss takes ${k + 1}`
    return new DreyError(
      isFull ? 'full' : 'not-enough-members',
      `block ${block}: shards are synced on ${this.#homes.size} members; ${takes} that answer and ` +
        `have room${why}. See drey status, and put again`,
    )
  }

  /** Copies are all alike: what counts is how many members have one, not which index it has. */
  #missing(): (number | undefined)[] {
    const { k, n } = this.#layout
    if (k === 1) return new Array<undefined>(Math.max(0, n - this.#homes.size)).fill(undefined)
    const there = new Set([...this.#homes.values()].flatMap((indexes) => [...indexes]))
    return Array.from({ length: n }, (_, index) => index).filter((index) => !there.has(index))
  }

  /** Tries members until one has synced the shard. */
  async #send(index: number | undefined): Promise<void> {
    for (;;) {
      const holder = this.#nextFor(index)
      if (holder === undefined) return // The outcome says what that means.
      const indexes = this.#homes.get(holder) ?? new Set<number>()
      const chosen = index ?? this.#order.indexOf(holder) % this.#layout.n
      this.#homes.set(holder, indexes.add(chosen))
      try {
        const { signal, leases } = this.#parts
        const bytes = this.#shardAt(chosen)
        const isNew = await holder.keep(this.#layout, chosen, bytes, signal, leases)
        if (isNew) this.#sent += 1
        this.#parts.met?.(holder.member.id)
        return
      } catch (error) {
        indexes.delete(chosen)
        this.#giveUpOn(holder, error)
        // Who is full still has what it had; of any other nobody knows.
        if (indexes.size === 0 || !isDreyError(error, 'full')) this.#homes.delete(holder)
      }
    }
  }

  /** A second shard on one member is better than none; a second copy is not. */
  #nextFor(index: number | undefined): Holder | undefined {
    const live = this.#order.filter((holder) => !this.#failed.has(holder))
    const next = nextHome(live, this.#homes)
    return index === undefined && next && this.#homes.has(next) ? undefined : next
  }

  #giveUpOn(holder: Holder, error: unknown): void {
    this.#parts.signal.throwIfAborted()
    this.#failed.set(holder, error)
    const fields = { member: holder.member.id, block: String(this.#layout.block) }
    this.#parts.log.warn(`a member did not take a shard: ${messageOf(error)}`, fields)
  }
}
