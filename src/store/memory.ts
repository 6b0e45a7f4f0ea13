import { formatAddress, type Address } from '../address/address.ts'
import { isShard, layoutId, type Layout } from '../coding/layout.ts'
import { formatShardName, subfolderOf, subfolders } from './shardName.ts'
import {
  mismatch,
  type ListOptions,
  type Shard,
  type ShardName,
  type Store,
  type StoreUsage,
} from './store.ts'

interface Kept {
  readonly name: ShardName
  readonly shard: Shard
}

/** Keeps shards in memory, for as long as it lives. For tests and the simulator. */
export class MemoryStore implements Store {
  readonly #subfolders = new Map(subfolders.map((name) => [name, new Map<string, Kept>()]))
  #shards = 0
  #bytes = 0

  async put({ layout, index, bytes }: Shard, options: { signal?: AbortSignal } = {}) {
    options.signal?.throwIfAborted()
    if (!isShard(layout, index, bytes)) throw mismatch(layout, index)
    const name = { block: layout.block, layout: layoutId(layout), index }
    const [file, subfolder] = [formatShardName(name), this.#subfolderOf(name.block)]
    if (subfolder.has(file)) return false
    subfolder.set(file, { name, shard: { layout, index, bytes: new Uint8Array(bytes) } })
    this.#shards += 1
    this.#bytes += bytes.length
    return true
  }

  async get(name: ShardName, options: { signal?: AbortSignal } = {}): Promise<Shard | undefined> {
    options.signal?.throwIfAborted()
    const shard = this.#find(name)
    return shard && { ...shard, bytes: new Uint8Array(shard.bytes) }
  }

  async has(name: ShardName): Promise<boolean> {
    return this.#find(name) !== undefined
  }

  async layoutOf(name: ShardName): Promise<Layout | undefined> {
    return this.#find(name)?.layout
  }

  async shardsOf(block: Address): Promise<ShardName[]> {
    const text = formatAddress(block)
    const names = Array.from(this.#subfolderOf(block).values(), ({ name }) => name)
    return names.filter((name) => formatAddress(name.block) === text)
  }

  async *list({ subfolder: only }: ListOptions = {}): AsyncGenerator<ShardName> {
    const wanted = only === undefined ? this.#subfolders.values() : [this.#subfolders.get(only)!]
    for (const files of wanted) {
      for (const file of [...files.keys()].sort()) {
        const kept = files.get(file)
        if (kept !== undefined) yield kept.name
      }
    }
  }

  async delete(name: ShardName): Promise<boolean> {
    const shard = this.#find(name)
    if (shard === undefined) return false
    this.#shards -= 1
    this.#bytes -= shard.bytes.length
    return this.#subfolderOf(name.block).delete(formatShardName(name))
  }

  async usage(): Promise<StoreUsage> {
    return { shards: this.#shards, bytes: this.#bytes, free: Number.MAX_SAFE_INTEGER }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #find(name: ShardName): Shard | undefined {
    return this.#subfolderOf(name.block).get(formatShardName(name))?.shard
  }

  #subfolderOf(block: Address): Map<string, Kept> {
    return this.#subfolders.get(subfolderOf(formatAddress(block)))!
  }
}
