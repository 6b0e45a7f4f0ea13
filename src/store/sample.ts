import { addressOf } from '../address/address.ts'
import { blake3 } from '../address/blake3.ts'
import type { Random } from '../base/random.ts'
import { layoutId } from '../coding/layout.ts'
import type { Shard, ShardName } from './store.ts'

export interface SampleOptions {
  readonly bytes?: number
  readonly k?: number
  readonly n?: number
  readonly index?: number
}

/** A shard of no block in particular, for tests and benchmarks: all that a store can check is right. */
export function sampleShard(random: Random, options: SampleOptions = {}): Shard {
  const { bytes: size = 1000, k = 2, n = 3, index = 1 } = options
  const bytes = random.bytes(size)
  const shards = Array.from({ length: n }, () => random.bytes(32)).with(index, blake3.hash(bytes))
  const block = addressOf('raw', 'blake3', random.bytes(32))
  return { layout: { block, size: size * k, k, n, shards }, index, bytes }
}

export function nameOf({ layout, index }: Shard): ShardName {
  return { block: layout.block, layout: layoutId(layout), index }
}
