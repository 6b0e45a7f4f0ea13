import type { Address } from '../address/address.ts'
import { shardBytesOf } from '../coding/code.ts'
import type { LeaseBook } from '../lease/book.ts'
import type { Lease } from '../lease/lease.ts'
import type { Shard, Store } from '../store/store.ts'
import type { Held, Inventory } from './holder.ts'

/**
 * A node's own store, and the book of who wants what is in it. What others are told is here is covered by
 * the leases that they asked with, or it could be let go while they count on it.
 */
export class Keeping {
  readonly store: Store
  readonly book: LeaseBook

  constructor(store: Store, book: LeaseBook) {
    this.store = store
    this.book = book
  }

  /** What is here of a block. */
  async have(block: Address, leases: readonly Lease[] = []): Promise<Held[]> {
    const held = await this.#claimed(block, leases)
    if (leases.length > 0) await this.book.durable()
    return held
  }

  /** The same of many, in their order, and their leases in short. */
  async survey(blocks: readonly Address[], leases: readonly Lease[] = []): Promise<Inventory[]> {
    const all = await Promise.all(
      blocks.map(async (block) => {
        const held = await this.#claimed(block, leases)
        return { held, leases: held.length > 0 ? this.book.digestOf(block) : 0 }
      }),
    )
    if (leases.length > 0) await this.book.durable()
    return all
  }

  /** Keeps a shard; when it has resolved, it and its leases are synced to disk. Throws 'full', 'corrupt'. */
  async keep(
    shard: Shard,
    leases: readonly Lease[],
    options: { signal: AbortSignal },
  ): Promise<boolean> {
    const { block } = shard.layout
    const claim = await this.book.claim(block, leases, shard.bytes.length)
    let isNew = false
    try {
      const both = [this.store.put(shard, options), this.book.durable()] as const
      await Promise.allSettled(both) // The bytes are read until both have settled.
      ;[isNew] = await Promise.all(both)
      return isNew
    } finally {
      const isCounted = isNew && claim.isOnly
      claim[Symbol.dispose]() // Before it is counted: of what did not come the book keeps nothing.
      if (!isCounted) await this.settle(block)
    }
  }

  /**
   * Removes shards of a block that are of no use here; how many. Nothing goes once somebody else has asked for
   * the block: `leases` is their digest as it was when that was judged, and the others were told of those.
   */
  async remove(
    block: Address,
    surplus: readonly Held[],
    { leases }: { leases: number },
  ): Promise<number> {
    let removed = 0
    await this.book.settle(block, async () => {
      for (const held of this.book.digestOf(block) === leases ? surplus : []) {
        if (await this.store.delete({ block, ...held })) removed += 1
      }
      return bytesKept(this.store, block)
    })
    return removed
  }

  /** A block is here of which nobody ever said anything: from now on it waits to be let go. */
  async noteOrphan(block: Address): Promise<void> {
    await this.book.noteOrphan(block)
    await this.settle(block) // Unless it has just gone.
  }

  /** Counts a block anew, after shards of it have gone, or did not come. */
  async settle(block: Address): Promise<void> {
    await this.book.settle(block, () => bytesKept(this.store, block))
  }

  async #claimed(block: Address, leases: readonly Lease[]): Promise<Held[]> {
    const held = await this.#heldOf(block)
    if (held.length === 0 || leases.length === 0) return held
    using _claim = await this.book.claim(block, leases)
    return await this.#heldOf(block) // It may have gone just before it was claimed.
  }

  async #heldOf(block: Address): Promise<Held[]> {
    return (await this.store.shardsOf(block)).map(({ layout, index }) => ({ layout, index }))
  }
}

/** Bytes of a block's shards, whatever their layouts. */
export async function bytesKept(store: Store, block: Address): Promise<number> {
  const layouts = await Promise.all(
    (await store.shardsOf(block)).map((name) => store.layoutOf(name)),
  )
  return layouts.reduce((sum, layout) => sum + (layout ? shardBytesOf(layout, layout.size) : 0), 0)
}
