import type { Address } from '../address/address.ts'
import type { Layout } from '../coding/layout.ts'
import type { ListOptions, Shard, ShardName, Store, StoreUsage } from './store.ts'

/** A keeper around a keeper: passes everything on. What differs is overridden. */
export abstract class WrapperStore implements Store {
  protected readonly inner: Store

  constructor(inner: Store) {
    this.inner = inner
  }

  put(shard: Shard, options?: { signal?: AbortSignal }): Promise<boolean> {
    return this.inner.put(shard, options)
  }

  get(name: ShardName, options?: { signal?: AbortSignal }): Promise<Shard | undefined> {
    return this.inner.get(name, options)
  }

  has(name: ShardName): Promise<boolean> {
    return this.inner.has(name)
  }

  layoutOf(name: ShardName): Promise<Layout | undefined> {
    return this.inner.layoutOf(name)
  }

  shardsOf(block: Address): Promise<ShardName[]> {
    return this.inner.shardsOf(block)
  }

  list(options?: ListOptions): AsyncIterable<ShardName> {
    return this.inner.list(options)
  }

  delete(name: ShardName): Promise<boolean> {
    return this.inner.delete(name)
  }

  usage(): Promise<StoreUsage> {
    return this.inner.usage()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.inner[Symbol.asyncDispose]()
  }
}
