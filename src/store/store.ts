import { formatAddress, type Address } from '../address/address.ts'
import { DreyError } from '../base/error.ts'
import type { Layout } from '../coding/layout.ts'

/** Names one shard: of which block, under which layout (its id), and which of the n it is. */
export interface ShardName {
  readonly block: Address
  readonly layout: string
  readonly index: number
}

/** A shard with all it takes to use it: `bytes` hash to `layout.shards[index]`. */
export interface Shard {
  readonly layout: Layout
  readonly index: number
  readonly bytes: Uint8Array
}

export interface ListOptions {
  /** Only what is in this one, of those in `shardName.ts`: about a thousandth of everything. */
  readonly subfolder?: string
}

export interface StoreUsage {
  readonly shards: number
  readonly bytes: number
  /** Bytes this store would still take: what quota and free-space floor leave. */
  readonly free: number
}

/**
 * A place that keeps shards by their name.
 * - when `put` has resolved, the shard survives a crash of the process and of the machine;
 * - `get` returns exactly the bytes that were put, or `undefined`; never other bytes. Bytes that rotted
 *   are set aside, reported, and absent from then on;
 * - no crash at any instant leaves a half shard under a name.
 * A store does not know about blobs, keys or peers.
 */
export interface Store extends AsyncDisposable {
  /** Whether it was new. The bytes are read until the promise settles. Throws 'corrupt' when they do
   * not match the layout, 'full' when there is no room. */
  put(shard: Shard, options?: { signal?: AbortSignal }): Promise<boolean>
  /** New memory, which the caller may `free`. */
  get(name: ShardName, options?: { signal?: AbortSignal }): Promise<Shard | undefined>
  has(name: ShardName): Promise<boolean>
  /** How the block of a shard is coded, without reading the shard: `undefined` when it is not there, or its
   * head cannot be read. */
  layoutOf(name: ShardName): Promise<Layout | undefined>
  /** What is kept of one block, whatever its layouts. */
  shardsOf(block: Address): Promise<ShardName[]>
  /** Everything kept, or what is in one of the `subfolders`: the shards of a block come one after another.
   * What comes and goes meanwhile may be missed. */
  list(options?: ListOptions): AsyncIterable<ShardName>
  /** Whether it was there. */
  delete(name: ShardName): Promise<boolean>
  usage(): Promise<StoreUsage>
}

/** How a store refuses bytes that are not what their layout promises. */
export function mismatch({ block }: Layout, index: number): DreyError {
  const shard = `shard ${index} of ${formatAddress(block)}`
  return new DreyError('corrupt', `${shard} does not match its layout, and was not kept`)
}
