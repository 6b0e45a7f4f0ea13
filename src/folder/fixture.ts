import { addressOf, formatAddress, type Address } from '../address/address.ts'
import type { Link } from '../address/link.ts'
import { collect, type Bytes } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import type { Attributes, Entry } from './entry.ts'
import { encodeEntry } from './entry.ts'
import type { FindBlob, Range } from './folder.ts'
import { compareNames, writeListing } from './listing.ts'
import type { Sink } from './sink.ts'

/** Blobs in memory: their address is their hash, and their key is a part of it. For tests. */
export class MemoryBlobs implements Sink {
  readonly blobs = new Map<string, Uint8Array>()
  /** How many were put, and asked for whether they are there. */
  puts = 0
  keeps = 0
  /** How many bytes were read. */
  read = 0

  async put(content: Bytes): Promise<Link & { size: number }> {
    const bytes = await collect(content)
    const address = addressOf('dag-cbor', 'blake3', bytes)
    this.blobs.set(formatAddress(address), bytes)
    this.puts += 1
    return { address, key: address.multihash.digest, size: bytes.length }
  }

  async keep({ address }: { address: Address }): Promise<boolean> {
    this.keeps += 1
    return this.blobs.has(formatAddress(address))
  }

  readonly find: FindBlob = async (address) => {
    const bytes = this.#bytesOf(address)
    const read = ({ start, end }: Range) => this.#reading(bytes.subarray(start, end))
    return { address, size: bytes.length, read }
  }

  readonly readPart = ({ address }: Link, { start, end }: Range): Bytes =>
    this.#reading(this.#bytesOf(address).subarray(start, end))

  /** As a node tells it, byte by byte instead of in segments. */
  readonly beginning = async ({ address }: Link, content: Bytes): Promise<number> => {
    const bytes = this.#bytesOf(address)
    const begun = await collect(content)
    const wrong = begun.findIndex((byte, at) => byte !== bytes[at])
    return wrong < 0 ? begun.length : wrong
  }

  #bytesOf(address: Address): Uint8Array {
    const bytes = this.blobs.get(formatAddress(address))
    if (bytes === undefined) throw new DreyError('not-found', `nobody has ${String(address)}`)
    return bytes
  }

  /** In pieces of an odd length, whose memory is used again. */
  async *#reading(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    const piece = new Uint8Array(10_008).subarray(1) // A part of something: nobody may free it.
    for (let at = 0; at < bytes.length; at += piece.length) {
      const part = bytes.subarray(at, at + piece.length)
      piece.set(part)
      this.read += part.length
      yield piece.subarray(0, part.length)
    }
  }
}

export const attributes: Attributes = {
  mode: 0o755,
  modified: { seconds: 1_700_000_000, nanoseconds: 123_456_789 },
}

/** A file's entry, whose link leads nowhere. */
export function fileEntry(name: string | Uint8Array, size = 0): Entry & { type: 'file' } {
  const address = addressOf('dag-cbor', 'blake3', new Uint8Array([1]))
  const link = { address, key: new Uint8Array(32) }
  return { name: Buffer.from(name as string), ...attributes, type: 'file', link, size }
}

/** A listing's bytes, whatever its entries are. */
export function listingOf(entries: readonly Entry[]): Uint8Array {
  const inOrder = entries.toSorted((a, b) => compareNames(a.name, b.name))
  return Buffer.concat([...writeListing(attributes, inOrder.map(encodeEntry))])
}
