import * as dagCbor from '@ipld/dag-cbor'
import { checkAddress, type Address } from '../address/address.ts'
import { blake3 } from '../address/blake3.ts'
import { equalBytes, toHex } from '../base/bytes.ts'
import { DreyError, messageOf } from '../base/error.ts'
import { checkCode, shardBytesOf, type Code } from './code.ts'

/** How one block is coded: any `k` of the `n` shards, whose BLAKE3 hashes are `shards`, give it back. */
export interface Layout {
  readonly block: Address
  /** Bytes of the block. */
  readonly size: number
  readonly k: number
  readonly n: number
  readonly shards: readonly Uint8Array[]
}

/** The layout of a block whose shards have these hashes, one after another. */
export function layoutFrom(block: Address, size: number, code: Code, hashes: Uint8Array): Layout {
  const { k, n } = code
  const shards = Array.from({ length: n }, (_, at) => hashes.subarray(at * 32, at * 32 + 32))
  return { block, size, k, n, shards }
}

const version = 1
const idBytes = 16

/** Deterministic DAG-CBOR: a list of version, block, size, k, n, and all hashes in one string of bytes. */
export function encodeLayout(layout: Layout): Uint8Array {
  const { block, size, k, n, shards } = layout
  return dagCbor.encode([version, block, size, k, n, Buffer.concat(shards)])
}

/** Reads a layout that a peer or a disk gave. Throws 'bad-input'. */
export function decodeLayout(bytes: Uint8Array): Layout {
  const refuse = (why: string, cause?: unknown) =>
    new DreyError('bad-input', `not a layout: ${why}`, { cause })
  let fields: unknown
  try {
    fields = dagCbor.decode(bytes)
  } catch (cause) {
    throw refuse(messageOf(cause), cause)
  }
  if (!Array.isArray(fields)) throw refuse('it is not a list')
  const [seen, block, size, k, n, hashes, ...rest] = fields as unknown[]
  if (seen !== version) throw refuse(`its version is not ${version}, which this Drey reads`)
  if (!isCount(size) || !isCount(k) || !isCount(n)) throw refuse('size, k and n are not all counts')
  if (rest.length > 0) throw refuse('it has more than six fields')
  checkCode({ k, n })
  if (!(hashes instanceof Uint8Array) || hashes.length !== n * 32)
    throw refuse('its hashes do not fit n')
  const shards = Array.from({ length: n }, (_, index) => hashes.slice(index * 32, index * 32 + 32))
  return { block: checkAddress(block), size, k, n, shards }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1
}

/** A layout's short name: the first 16 bytes of its BLAKE3 hash, in hexadecimal. */
export function layoutId(layout: Layout): string {
  return toHex(blake3.hash(encodeLayout(layout)).subarray(0, idBytes))
}

/** Whether these are the bytes that the layout promises at this index. */
export function isShard(layout: Layout, index: number, bytes: Uint8Array): boolean {
  const hash = layout.shards[index]
  if (hash === undefined || bytes.length !== shardBytesOf(layout, layout.size)) return false
  return equalBytes(hash, blake3.hash(bytes))
}
