import { formatAddress, type Address } from '../address/address.ts'
import { free, toHex, type Bytes } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import { mapAhead } from '../base/flow.ts'
import type { ReadKeys } from '../crypto/keys.ts'
import { decodeNode, type ManifestNode } from '../manifest/node.ts'
import { segmentsIn, type Range, type SegmentPart } from '../manifest/reader.ts'
import type { Pool, Slot } from '../pipe/pool.ts'
import { smallBytes } from '../pipe/rooms.ts'
import { beginningOf, beginningOfInline } from './beginning.ts'

export interface GetParts {
  /** Segments under way at most. */
  readonly segmentsAhead: number
  /** How many of them are worth their memory now. */
  readonly slots: () => number
  readonly pool: Pool
  /** Makes a block whole in a slot, and opens it when a key is given; says its size. */
  readonly gather: (
    block: Address,
    key: Uint8Array | undefined,
    slot: Slot,
    signal: AbortSignal,
  ) => Promise<number>
  readonly signal: AbortSignal
}

/**
 * Fetches a node of a manifest. It takes a slot of its own, which is granted at once, and leaves it at
 * once: a read that holds segments never waits for another read.
 */
export async function fetchNode(address: Address, parts: GetParts): Promise<Uint8Array> {
  const slot = await parts.pool.lane().take(parts.signal, { bytes: smallBytes })
  try {
    const size = await parts.gather(address, undefined, slot, parts.signal)
    return slot.data(size).slice()
  } finally {
    slot.release()
  }
}

/** A blob that was found, and can be read. */
export class Blob {
  readonly address: Address
  /** Bytes in all. */
  readonly size: number
  /** What reads it without the read secret. */
  readonly key: Uint8Array
  readonly #root: ManifestNode
  readonly #keys: ReadKeys | undefined

  /** With `keys`, whatever is opened has to be made with them. */
  constructor(address: Address, key: Uint8Array, block: Uint8Array, keys?: ReadKeys) {
    this.address = address
    this.key = key
    this.#keys = keys
    this.#root = decodeNode(block, key, keys)
    this.size = this.#root.size
  }

  /**
   * The bytes of a range, in order, with some segments fetched ahead. Each chunk is the reader's until
   * it asks for the next one: then its memory is used again.
   */
  async *read(range: Range, parts: GetParts): AsyncGenerator<Uint8Array> {
    if ('data' in this.#root) {
      const part = this.#root.data.slice(range.start, range.end)
      if (part.length > 0) yield part
      return free(part)
    }
    const segments = this.#segments(range, parts)
    const lane = parts.pool.lane(parts.slots)
    const work = async (part: SegmentPart, signal: AbortSignal) => {
      const slot = await lane.take(signal, { holds: nameOf(part), bytes: part.size })
      if (slot.isThere) return { part, slot }
      try {
        const both = AbortSignal.any([signal, parts.signal])
        const size = await parts.gather(part.address, part.key, slot, both)
        // A manifest that lies must not hand out what the slot held before.
        if (size === part.size) return { part, slot }
        throw new DreyError(
          'bad-input',
          `not a manifest: ${part.address} is not of the size it says`,
        )
      } catch (error) {
        slot.release()
        throw error
      }
    }
    // A read that breaks off is often begun again: what nobody has read yet stays, as long as nothing else is there.
    const release = ({ part, slot }: { part: SegmentPart; slot: Slot }) =>
      slot.release(nameOf(part))
    for await (const { part, slot } of mapAhead(segments, parts.segmentsAhead, work, release)) {
      let isRead = false
      try {
        yield slot.data(part.size).subarray(part.start, part.end)
        isRead = true
      } finally {
        slot.release(isRead ? undefined : nameOf(part))
      }
    }
  }

  /** How many bytes of a stream are the beginning of this blob: see `beginning.ts`. */
  async beginning(source: Bytes, parts: GetParts): Promise<number> {
    if ('data' in this.#root) return beginningOfInline(this.#root.data, source)
    return beginningOf(this.#segments({ start: 0, end: this.size }, parts), source, parts)
  }

  #segments(range: Range, parts: GetParts): AsyncGenerator<SegmentPart> {
    const fetch = (address: Address) => fetchNode(address, parts)
    return segmentsIn(this.#root, range, fetch, this.#keys)
  }
}

/** Of a segment's plaintext, in memory: whoever has the address alone does not know it. */
function nameOf({ address, key, size }: SegmentPart): string {
  return `${toHex(key)} ${size} ${formatAddress(address)}`
}
