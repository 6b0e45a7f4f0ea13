import type { Address } from '../address/address.ts'
import type { Link } from '../address/link.ts'
import type { Bytes } from '../base/bytes.ts'

/** Where a tree's blobs go. Several may be under way; whoever has too many waits. */
export interface Sink {
  /** Stores a blob; resolves when it is synced at its holders. */
  put(content: Bytes): Promise<Link & { readonly size: number }>
  /** Wants what was stored before; `false` when it is not there any more, or not all of it. */
  keep(blob: { readonly address: Address; readonly size: number }): Promise<boolean>
}
