import { codecs, hashOf, type Address } from '../address/address.ts'
import type { HashName } from '../address/hash.ts'
import type { Bytes } from '../base/bytes.ts'
import { isDreyError } from '../base/error.ts'
import { codeFor, policyFor, type Code } from '../coding/code.ts'
import type { ReadKeys } from '../crypto/keys.ts'
import { segmentBytes } from '../manifest/node.ts'
import { blocksOf } from '../manifest/tree.ts'
import type { Range } from '../manifest/reader.ts'
import type { Lease } from '../lease/lease.ts'
import type { LeaseWish } from '../lease/own.ts'
import type { Slot } from '../pipe/pool.ts'
import type { Handler } from '../transport/transporter.ts'
import { Activity } from './activity.ts'
import { Circle } from './circle.ts'
import { Errands } from './errands.ts'
import type { Holder } from './holder.ts'
import { drain, leaving, type DrainOptions, type DrainReport } from './drain.ts'
import { gather, type Finding } from './gather.ts'
import type { GatherParts } from './gatherParts.ts'
import { fetchNode, type Blob, type GetParts } from './get.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { Keeping } from './keeping.ts'
import { Leasing } from './leasing.ts'
import { LocalHolder } from './local.ts'
import { locate, type Found } from './locate.ts'
import type { Member } from './member.ts'
import { memberOf } from './members.ts'
import { Pace } from './pace.ts'
import { cannotSeal, notAWhole, openRoot } from './rootKey.ts'
import { put, putSealed, type BlockPutParts, type Stored } from './put.ts'
import type { Receipt } from './receipt.ts'
import type {
  OrchestratorOptions,
  OrchestratorParts,
  PutOptions,
  PutUnder,
  ReadOptions,
} from './orchestratorParts.ts'
import { serve, storeOperations, type Operations } from './serve.ts'

/**
 * The node's file server: routes and streams. It puts blobs by scattering their blocks' shards over the
 * members, gets them by gathering, and answers what peers ask of its own store.
 */
export class Orchestrator implements AsyncDisposable {
  /** Those who could hold a block, this node among them. */
  readonly circle: Circle
  /** Whether people wait for this node. */
  readonly activity: Activity
  readonly keeping: Keeping
  readonly leasing: Leasing
  readonly #parts: OrchestratorParts
  readonly #options: OrchestratorOptions
  readonly #limits: Limits
  readonly #pace = new Pace()
  readonly #quietPace = new Pace()
  readonly #answers: Record<string, Handler> = {}
  readonly #errands: Errands

  constructor(parts: OrchestratorParts, options: OrchestratorOptions) {
    const { transporter, store, leases, membership } = parts
    this.#parts = parts
    this.#options = options
    this.#limits = { ...defaultLimits, ...options.limits }
    this.keeping = new Keeping(store, leases.book)
    this.leasing = new Leasing(parts)
    const self = new LocalHolder(this.keeping, () => this.self())
    this.circle = new Circle({ ...parts, self, limits: this.#limits })
    this.activity = new Activity(parts.clock)
    this.#errands = new Errands(this.activity, parts.clock)
    this.operate(storeOperations(this.keeping, this.activity))
    this.operate(this.leasing.operations())
    this.operate({ compare: (peer, request) => membership.answer(peer, request) })
    transporter.serve(serve(this.#answers))
    void this.leasing.run(this.#errands.closing)
  }

  /** From now on peers may ask this as well. */
  operate(operations: Operations): void {
    Object.assign(this.#answers, operations)
  }

  /** This node as others see it. */
  self(): Member {
    return memberOf(this.#parts.membership.own)
  }

  /** The other members that can be asked now. */
  members(): Member[] {
    return this.circle
      .live()
      .slice(1)
      .map(({ member }) => member)
  }

  /** The code that a put made now would aim at. */
  code(): Code {
    return this.#options.code ?? policyFor(this.circle.storing().length)
  }

  /**
   * Stores a stream of any length. When it has resolved, its shards are synced to disk at their holders.
   * Throws 'no-read-secret' on a node that may not read, 'not-enough-members', 'full'.
   */
  async put(source: Bytes, options: PutOptions = {}): Promise<Stored> {
    return this.putAll(options.lease ?? {}, (put) => put(source, options))
  }

  /**
   * Stores several blobs under one lease: it is that of the blob which `work` returns. When `work` fails, all
   * of them are let go. Throws as `put`.
   */
  async putAll<T extends { address: Address; size?: number }>(
    wish: LeaseWish,
    work: (put: PutUnder, lease: Lease) => Promise<T>,
  ): Promise<T> {
    const { keys } = this.#options
    if (keys === undefined) throw cannotSeal()
    return this.leasing.cover(wish, (lease) =>
      work((source, options) => this.#putUnder(lease, keys, source, options), lease),
    )
  }

  /** Stores a block that is sealed already, under a lease that is made already; it takes no key. Throws as `put`. */
  async putSealed(
    lease: Lease,
    address: Address,
    bytes: Uint8Array,
    outer?: AbortSignal,
  ): Promise<Receipt> {
    await using errand = await this.#errands.begin(outer)
    const { signal } = errand
    const hash = hashOf(address)
    return await putSealed(address, bytes, this.#putParts(lease, { hash, signal }))
  }

  /**
   * Finds a blob by its address. Throws 'not-found', 'not-enough-shards', 'no-read-secret' when there is
   * neither a key in hand nor the read secret to unwrap one, and 'bad-input' when the key is that of another.
   */
  async find(address: Address, key?: Uint8Array, options: ReadOptions = {}): Promise<Blob> {
    if (address.code !== codecs['dag-cbor']) throw notAWhole()
    await using errand = await this.#errands.begin(options.signal)
    const block = await this.#fetch(address, this.#getParts(errand.signal, options))
    return openRoot(address, block, { key, keys: this.#options.keys })
  }

  /**
   * Who holds what of a block, and which way they were found: those computed are asked, then everyone
   * connected, then those whom the DHT names. All are asked, whoever has answered.
   */
  async locate(address: Address, options: ReadOptions = {}): Promise<Found[]> {
    await using errand = await this.#errands.begin(options.signal)
    const { clock } = this.#parts
    const likely = codeFor(this.code(), segmentBytes).n
    const parts = { circle: this.circle, likely, clock, limits: this.#limits }
    return await locate(address, parts, errand.signal)
  }

  /**
   * Makes a block whole in a slot, from these holders, who are asked in this order; it stays sealed.
   * Resolves to its size. Throws 'not-found', 'not-enough-shards'.
   */
  async restore(
    block: Address,
    slot: Slot,
    { k, holders, signal }: { k: number; holders: readonly Holder[]; signal: AbortSignal },
  ): Promise<number> {
    const { log } = this.#parts
    const found = (finding: Finding) => log.warn(`mending met a ${finding.what}`, finding)
    const read = { guess: { shards: k }, likely: holders.length, holders, signal, found }
    const quiet = { pace: this.#quietPace, met: undefined }
    return gather(block, undefined, slot, { ...this.#gathering(), ...read, ...quiet })
  }

  /** Any block as it is kept: sealed, and checked against its address. Throws 'not-found', 'not-enough-shards'. */
  async block(address: Address, options: ReadOptions = {}): Promise<Uint8Array> {
    await using errand = await this.#errands.begin(options.signal)
    return await this.#fetch(address, this.#getParts(errand.signal, options))
  }

  /** The addresses of a blob's blocks, without a key: see `manifest/tree.ts`. */
  async *blocksOf(root: Address, options: ReadOptions = {}): AsyncGenerator<Address> {
    if (root.code !== codecs['dag-cbor']) throw notAWhole()
    await using errand = await this.#errands.begin(options.signal)
    const parts = this.#getParts(errand.signal, options)
    yield* blocksOf(root, (address) => fetchNode(address, parts))
  }

  /** Reads a range of a blob; see `Blob.read` for how long a chunk lives. */
  async *read(blob: Blob, range: Range, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    await using errand = await this.#errands.begin(options.signal)
    yield* blob.read(range, this.#getParts(errand.signal, options))
  }

  /** How many bytes of a stream are the beginning of a blob, in whole segments. No shard is fetched for it. */
  async beginning(blob: Blob, source: Bytes, options: ReadOptions = {}): Promise<number> {
    await using errand = await this.#errands.begin(options.signal)
    return await blob.beginning(source, this.#getParts(errand.signal, options))
  }

  /**
   * Hands this node's shards to others and leaves the swarm: afterwards nobody counts on it. While any shard
   * is here alone it stays, says what is left, and may be asked again. With `isNow` nothing is handed over.
   */
  async leave(options: { isNow: boolean } & DrainOptions): Promise<DrainReport | undefined> {
    const { leases, membership } = this.#parts
    await using errand = await this.#errands.begin(options.signal)
    const { signal } = errand
    const others = () => this.circle.live().slice(1)
    const parts = { ...this.#parts, book: leases.book, others }
    const report = options.isNow
      ? undefined
      : await leaving(membership, () => drain(parts, { ...options, signal }))
    if ((report?.failed ?? 0) === 0) await membership.say({ stage: 'left' })
    return report
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#errands[Symbol.asyncDispose]()
  }

  async #putUnder(
    lease: Lease,
    keys: ReadKeys,
    source: Bytes,
    { hash = 'blake3', code, signal: outer }: PutOptions = {},
  ): Promise<Stored> {
    await using errand = await this.#errands.begin(outer)
    const { signal } = errand
    return await put(source, { keys, ...this.#putParts(lease, { hash, code, signal }) })
  }

  #putParts(
    lease: Lease,
    { hash, code, signal }: { hash: HashName; code?: Code; signal: AbortSignal },
  ): BlockPutParts {
    const { pool, crew, log } = this.#parts
    return {
      ...{ pool, crew, log, hash, lease, signal },
      segmentsAhead: this.#limits.segmentsAhead,
      met: this.activity.met,
      code: () => code ?? this.code(),
      order: (block, inner) => this.circle.order(block, inner),
    }
  }

  #getParts(signal: AbortSignal, { found = () => {} }: ReadOptions): GetParts {
    const noted = (finding: Finding) => {
      this.#parts.log.warn(`a read met a ${finding.what} and went on with others`, finding)
      found(finding)
    }
    const guess = { shards: codeFor(this.code(), segmentBytes).k }
    const { segmentsAhead: near, segmentsAheadFar, farMs } = this.#limits
    const far = Math.max(near, segmentsAheadFar)
    return {
      segmentsAhead: far,
      slots: () => (this.#pace.quickestMs > farMs ? far : near),
      pool: this.#parts.pool,
      signal,
      gather: (block, key, slot, inner) =>
        this.#gather(block, key, slot, { guess, signal: inner, found: noted }),
    }
  }

  /** A block as it is kept, from whoever the DHT names if those who are connected do not have it. */
  async #fetch(address: Address, parts: GetParts): Promise<Uint8Array> {
    try {
      return await fetchNode(address, parts)
    } catch (error) {
      const isMissing = isDreyError(error, 'not-found') || isDreyError(error, 'not-enough-shards')
      if (!isMissing || (await this.circle.follow(address, parts.signal)).length === 0) throw error
      return fetchNode(address, parts)
    }
  }

  async #gather(
    block: Address,
    key: Uint8Array | undefined,
    slot: Slot,
    read: Pick<GatherParts, 'guess' | 'signal' | 'found'>,
  ): Promise<number> {
    const holders = await this.circle.everyone(block, read.signal)
    const likely = codeFor(this.code(), segmentBytes).n
    return gather(block, key, slot, { ...this.#gathering(), ...read, holders, likely })
  }

  #gathering(): Omit<GatherParts, 'guess' | 'signal' | 'found' | 'holders' | 'likely'> {
    const { crew, clock } = this.#parts
    const absent = () => this.circle.absent()
    const { met } = this.activity
    return { crew, clock, limits: this.#limits, pace: this.#pace, absent, met }
  }
}
