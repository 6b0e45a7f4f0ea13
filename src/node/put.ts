import { codecs, formatAddress, makeAddress, type Address, type Codec } from '../address/address.ts'
import type { HashName } from '../address/hash.ts'
import type { Link } from '../address/link.ts'
import { free, type Bytes } from '../base/bytes.ts'
import { DreyError, isDreyError } from '../base/error.ts'
import { mapAhead } from '../base/flow.ts'
import type { Log } from '../base/log.ts'
import { codeFor, isSameCode, shardBytesOf, type Code } from '../coding/code.ts'
import { layoutFrom, type Layout } from '../coding/layout.ts'
import type { Lease } from '../lease/lease.ts'
import type { ReadKeys } from '../crypto/keys.ts'
import { inlineBytesMax, type Child } from '../manifest/node.ts'
import { ManifestWriter, writeInline } from '../manifest/writer.ts'
import type { Crew } from '../pipe/crew.ts'
import type { Sealed } from '../pipe/jobs.ts'
import type { Lane, Pool, Slot } from '../pipe/pool.ts'
import { cut, type Cut } from './cut.ts'
import type { Holder } from './holder.ts'
import type { PeerId } from '../transport/transporter.ts'
import { nothingPut, sumOf, type Receipt } from './receipt.ts'
import { scatter, type Scattered } from './scatter.ts'

/** What it takes to store a block. */
export interface BlockPutParts {
  readonly pool: Pool
  readonly crew: Crew
  readonly log: Log
  readonly segmentsAhead: number
  readonly hash: HashName
  /** The code that is aimed at now: members come and go while a long put runs. */
  readonly code: () => Code
  /** Live members in the order in which they should hold a block. */
  readonly order: (block: Address, signal: AbortSignal) => Promise<Holder[]>
  /** Covers everything that is put. */
  readonly lease: Lease
  readonly signal: AbortSignal
  /** Is told of each member that has taken a shard. */
  readonly met?: (member: PeerId) => void
}

export interface PutParts extends BlockPutParts {
  readonly keys: ReadKeys
}

export interface Stored extends Link {
  readonly size: number
  readonly receipt: Receipt
}

/** Stores a stream; resolves when all its shards are synced at their holders. */
export async function put(source: Bytes, parts: PutParts): Promise<Stored> {
  return new Putting(parts).run(source, parts.keys)
}

/** Stores a block that is sealed already, as it is. Throws 'bad-input' when it is not what its address says. */
export async function putSealed(
  address: Address,
  bytes: Uint8Array,
  parts: BlockPutParts,
): Promise<Receipt> {
  return new Putting(parts).storeSealed(address, bytes)
}

class Putting {
  readonly #parts: BlockPutParts
  readonly #lane: Lane
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  #receipt = nothingPut

  constructor(parts: BlockPutParts) {
    this.#parts = parts
    this.#lane = parts.pool.lane()
    this.#signal = AbortSignal.any([parts.signal, this.#stop.signal])
  }

  async run(source: Bytes, keys: ReadKeys): Promise<Stored> {
    try {
      const link = await this.#write(cut(source, this.#lane, this.#signal), keys)
      return { ...link, receipt: this.#receipt }
    } finally {
      this.#stop.abort(new Error('the put has ended'))
    }
  }

  async storeSealed(address: Address, bytes: Uint8Array): Promise<Receipt> {
    const codec = address.code === codecs.raw ? 'raw' : 'dag-cbor'
    const stored = await this.#storeBlock(bytes, codec)
    if (stored.equals(address)) return this.#receipt
    throw new DreyError('bad-input', `block ${formatAddress(address)} is not what its address says`)
  }

  async #write(cuts: AsyncGenerator<Cut>, keys: ReadKeys): Promise<Link & { size: number }> {
    const emit = (block: Uint8Array) =>
      this.#storeBlock(block, 'dag-cbor').finally(() => free(block))
    const first = (await cuts.next()).value as Cut
    if (first.last && first.size <= inlineBytesMax) {
      const plaintext = first.slot.data(first.size).slice()
      first.slot.release()
      return writeInline(keys, plaintext, emit).finally(() => free(plaintext))
    }
    const writer = new ManifestWriter(keys, emit)
    const work = (segment: Cut) => this.#storeSegment(segment, keys)
    const { segmentsAhead } = this.#parts
    for await (const child of mapAhead(resumed(first, cuts), segmentsAhead, work)) {
      await writer.add(child)
    }
    return writer.finish()
  }

  async #storeSegment({ slot, size }: Cut, keys: ReadKeys): Promise<Child> {
    try {
      const { address, key } = await this.#store(slot, size, 'raw', keys.segment)
      return { address, key: key!, size }
    } finally {
      slot.release()
    }
  }

  /** A slot of its own is granted at once: a put that holds segments never waits for another put. */
  async #storeBlock(block: Uint8Array, codec: Codec): Promise<Address> {
    const slot = await this.#parts.pool.lane().take(this.#signal, { bytes: block.length })
    try {
      slot.data(block.length).set(block)
      return (await this.#store(slot, block.length, codec, undefined)).address
    } finally {
      slot.release()
    }
  }

  /** Seals (with a secret), addresses, codes and scatters what stands in a slot. */
  async #store(
    slot: Slot,
    size: number,
    codec: Codec,
    secret: Uint8Array | undefined,
  ): Promise<{ address: Address; key?: Uint8Array }> {
    const code = codeFor(this.#parts.code(), size)
    const sealed = await this.#seal(slot, size, code, secret)
    const address = makeAddress(codec, this.#parts.hash, sealed.digest)
    try {
      await this.#scatter(slot, layoutFrom(address, size, code, sealed.shards))
    } catch (error) {
      // Members have left: what is left of the swarm may aim lower. The block is coded anew for it.
      const lower = codeFor(this.#parts.code(), size)
      const areTooFew = isDreyError(error, 'not-enough-members') || isDreyError(error, 'full')
      if (isSameCode(lower, code) || !areTooFew) throw error
      const again = await this.#seal(slot, size, lower, undefined)
      await this.#scatter(slot, layoutFrom(address, size, lower, again.shards))
    }
    return { address, key: sealed.key }
  }

  #seal(slot: Slot, size: number, code: Code, secret: Uint8Array | undefined): Promise<Sealed> {
    const { dataAt, parityAt } = slot
    const { hash } = this.#parts
    return this.#parts.crew.seal({ type: 'seal', dataAt, parityAt, size, ...code, hash, secret })
  }

  async #scatter(slot: Slot, layout: Layout): Promise<void> {
    const order = await this.#parts.order(layout.block, this.#signal)
    if (order.length === 0) throw new DreyError('not-enough-members', 'no member stores shards')
    const shardBytes = shardBytesOf(layout, layout.size)
    const shardAt = (index: number) => slot.shard(index, layout.k, shardBytes)
    const { log, lease, met } = this.#parts
    const parts = { leases: [lease], log, signal: this.#signal, met }
    const scattered = await scatter(layout, shardAt, order, parts)
    this.#note(layout, shardBytes, scattered)
  }

  #note(layout: Layout, shardBytes: number, { members, survives, sent }: Scattered): void {
    this.#receipt = sumOf(this.#receipt, {
      blocks: 1,
      newBlocks: sent > 0 ? 1 : 0,
      newBytes: sent > 0 ? layout.size : 0,
      sentShards: sent,
      sentBytes: sent * shardBytes,
      code: { k: layout.k, n: layout.n },
      syncedOn: members,
      aimedAt: layout.n,
      survives,
    })
  }
}

async function* resumed<T>(first: T, rest: AsyncGenerator<T>): AsyncGenerator<T> {
  yield first
  yield* rest
}
