/** Where a block stands in the pool's memory: byte offsets of its data shards and its parity shards. */
export interface Place {
  readonly dataAt: number
  readonly parityAt: number
}

/** Where shard `index` of a block stands. Of copies (k = 1) there is one: the block itself. */
export function shardAt(place: Place, index: number, k: number, shardBytes: number): number {
  if (k === 1) return place.dataAt
  return index < k ? place.dataAt + index * shardBytes : place.parityAt + (index - k) * shardBytes
}
