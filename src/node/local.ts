import type { Address } from '../address/address.ts'
import { free } from '../base/bytes.ts'
import type { Layout } from '../coding/layout.ts'
import type { Shard, ShardName, Store } from '../store/store.ts'
import type { Lease } from '../lease/lease.ts'
import type { Answer, Held, Into, Inventory, Surveyed, Wanted } from './holder.ts'
import type { Keeping } from './keeping.ts'
import type { Member } from './member.ts'

/** What a store could give of a block, and what it found rotten on the way. */
export interface Pick {
  readonly shard?: Shard
  readonly also: readonly number[]
  readonly rotted: readonly number[]
}

/**
 * Reads one shard of a block that the asker does not have. A name that is listed and gives nothing has
 * just been set aside by the store.
 */
export async function pick(
  store: Store,
  block: Address,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Pick> {
  const names = (await store.shardsOf(block)).sort((a, b) => byWish(wanted, a) - byWish(wanted, b))
  const rotted: number[] = []
  for (const name of names) {
    if (byWish(wanted, name) === unwished) break
    const shard = await store.get(name, { signal })
    if (shard === undefined) {
      rotted.push(name.index)
      continue
    }
    const also = names
      .filter((other) => other.layout === name.layout && other.index !== name.index)
      .map((other) => other.index)
      .filter((index) => !rotted.includes(index))
    return { shard, also, rotted }
  }
  return { also: [], rotted }
}

const unwished = 2

/** The wanted layout first, then others; last what the asker has. */
function byWish(wanted: Wanted, name: ShardName): number {
  const same = wanted.layout === undefined || wanted.layout === name.layout
  if (same && wanted.without.includes(name.index)) return unwished
  return same ? 0 : 1
}

/** A layout of which a store keeps a shard. */
export async function layoutBy(
  store: Store,
  block: Address,
  id: string,
): Promise<Layout | undefined> {
  const name = (await store.shardsOf(block)).find(({ layout }) => layout === id)
  return name && store.layoutOf(name)
}

/** The node itself as a holder: its own store, without a network in between. */
export class LocalHolder implements Surveyed {
  readonly #keeping: Keeping
  readonly #describe: () => Member

  constructor(keeping: Keeping, describe: () => Member) {
    this.#keeping = keeping
    this.#describe = describe
  }

  get member(): Member {
    return this.#describe()
  }

  quietly(): Surveyed {
    return this
  }

  have(block: Address, _signal: AbortSignal, leases?: readonly Lease[]): Promise<Held[]> {
    return this.#keeping.have(block, leases)
  }

  survey(
    blocks: readonly Address[],
    _signal: AbortSignal,
    leases?: readonly Lease[],
  ): Promise<Inventory[]> {
    return this.#keeping.survey(blocks, leases)
  }

  async layoutOf(block: Address, id: string): Promise<Layout | undefined> {
    return layoutBy(this.#keeping.store, block, id)
  }

  keep(
    layout: Layout,
    index: number,
    bytes: Uint8Array,
    signal: AbortSignal,
    leases: readonly Lease[],
  ): Promise<boolean> {
    return this.#keeping.keep({ layout, index, bytes }, leases, { signal })
  }

  async fetch(block: Address, wanted: Wanted, into: Into, signal: AbortSignal): Promise<Answer> {
    const { shard, also, rotted } = await pick(this.#keeping.store, block, wanted, signal)
    if (shard === undefined) return { rotted }
    const { layout, index, bytes } = shard
    into(layout, index)?.set(bytes)
    free(bytes)
    return { fetched: { layout, index, also }, rotted }
  }
}
