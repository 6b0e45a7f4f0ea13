import type { Address } from '../address/address.ts'
import type { ShardName, Store } from '../store/store.ts'

/** A block of which a store keeps shards. */
export interface Owned {
  readonly block: Address
  readonly names: readonly ShardName[]
}

/** The blocks of which a store keeps shards, so many at a time. */
export async function* batchesOf(store: Store, size: number): AsyncGenerator<Owned[]> {
  let batch: Owned[] = []
  for await (const owned of blocksOf(store)) {
    batch.push(owned)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

/** Each block once: a store lists the shards of a block one after another. */
async function* blocksOf(store: Store): AsyncGenerator<Owned> {
  let names: ShardName[] = []
  for await (const name of store.list()) {
    const [first] = names
    if (first !== undefined && !first.block.equals(name.block)) {
      yield { block: first.block, names }
      names = []
    }
    names.push(name)
  }
  const [first] = names
  if (first !== undefined) yield { block: first.block, names }
}
