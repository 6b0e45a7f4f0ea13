import { formatAddress, type Address } from '../address/address.ts'
import { isShard, layoutId, type Layout } from '../coding/layout.ts'
import { formatShardName } from './shardName.ts'
import { mismatch, type Shard, type ShardName, type Store, type StoreUsage } from './store.ts'

/** Keeps shards in memory, for as long as it lives. For tests and the simulator. */
export class MemoryStore implements Store {
  readonly #shards = new Map<string, { name: ShardName; shard: Shard }>()
  #bytes = 0

  async put({ layout, index, bytes }: Shard, options: { signal?: AbortSignal } = {}) {
    options.signal?.throwIfAborted()
    if (!isShard(layout, index, bytes)) throw mismatch(layout, index)
    const name = { block: layout.block, layout: layoutId(layout), index }
    const key = formatShardName(name)
    if (this.#shards.has(key)) return false
    this.#shards.set(key, { name, shard: { layout, index, bytes: new Uint8Array(bytes) } })
    this.#bytes += bytes.length
    return true
  }

  async get(name: ShardName, options: { signal?: AbortSignal } = {}): Promise<Shard | undefined> {
    options.signal?.throwIfAborted()
    const kept = this.#shards.get(formatShardName(name))
    return kept && { ...kept.shard, bytes: new Uint8Array(kept.shard.bytes) }
  }

  async has(name: ShardName): Promise<boolean> {
    return this.#shards.has(formatShardName(name))
  }

  async layoutOf(name: ShardName): Promise<Layout | undefined> {
    return this.#shards.get(formatShardName(name))?.shard.layout
  }

  async shardsOf(block: Address): Promise<ShardName[]> {
    const text = formatAddress(block)
    return [...this.#names()].filter((name) => formatAddress(name.block) === text)
  }

  async *list(): AsyncGenerator<ShardName> {
    yield* this.#names()
  }

  async delete(name: ShardName): Promise<boolean> {
    const key = formatShardName(name)
    this.#bytes -= this.#shards.get(key)?.shard.bytes.length ?? 0
    return this.#shards.delete(key)
  }

  async usage(): Promise<StoreUsage> {
    return { shards: this.#shards.size, bytes: this.#bytes, free: Number.MAX_SAFE_INTEGER }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  *#names(): Generator<ShardName> {
    for (const { name } of this.#shards.values()) yield name
  }
}
