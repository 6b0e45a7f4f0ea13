import { codecs, type Address } from '../address/address.ts'
import type { HashName } from '../address/hash.ts'
import type { Bytes } from '../base/bytes.ts'
import { timeLimit, type Clock } from '../base/clock.ts'
import { DreyError, isDreyError } from '../base/error.ts'
import { Window } from '../base/flow.ts'
import type { Log } from '../base/log.ts'
import { codeFor, policyFor, type Code } from '../coding/code.ts'
import type { ReadKeys } from '../crypto/keys.ts'
import { segmentBytes } from '../manifest/node.ts'
import { blocksOf } from '../manifest/tree.ts'
import type { Range } from '../manifest/reader.ts'
import type { Crew } from '../pipe/crew.ts'
import type { Pool, Slot } from '../pipe/pool.ts'
import type { Store } from '../store/store.ts'
import type { Hints } from '../discovery/hints.ts'
import type { Membership } from '../discovery/membership.ts'
import type { Handler, Transporter } from '../transport/transporter.ts'
import { Activity } from './activity.ts'
import { Circle } from './circle.ts'
import type { Holder } from './holder.ts'
import { drain, type DrainOptions, type DrainReport } from './drain.ts'
import { gather, type Finding, type GatherParts } from './gather.ts'
import { Blob, fetchNode, type GetParts } from './get.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { LocalHolder } from './local.ts'
import { locate, type Found } from './locate.ts'
import type { Member } from './member.ts'
import { memberOf } from './members.ts'
import { Pace } from './pace.ts'
import { notAWhole, rootKeyOf } from './rootKey.ts'
import { put, type Stored } from './put.ts'
import { serve, storeOperations, type Operations } from './serve.ts'

/** What a node is made of; concrete parts meet in the daemon. */
export interface OrchestratorParts {
  readonly store: Store
  readonly transporter: Transporter
  readonly membership: Membership
  readonly pool: Pool
  readonly crew: Crew
  readonly clock: Clock
  readonly log: Log
  /** Where members are found that this node does not know; the DHT. */
  readonly hints?: Hints
}

export interface OrchestratorOptions {
  /** What a reader has. Without it only links can be read, and nothing put. */
  readonly keys?: ReadKeys
  /** A code instead of the swarm's policy. */
  readonly code?: Code
  readonly limits?: Partial<Limits>
}

export interface PutOptions {
  readonly hash?: HashName
  readonly code?: Code
  readonly signal?: AbortSignal
}

export interface ReadOptions {
  readonly signal?: AbortSignal
  readonly found?: (finding: Finding) => void
}

const closingMs = 5_000 // For operations to notice that the node closes.
const operationsMax = 24 // Each may hold two slots for sure; the pool has 64.

/**
 * The node's file server: routes and streams. It puts blobs by scattering their blocks' shards over the
 * members, gets them by gathering, and answers what peers ask of its own store.
 */
export class Orchestrator implements AsyncDisposable {
  /** Those who could hold a block, this node among them. */
  readonly circle: Circle
  /** Whether people wait for this node. */
  readonly activity: Activity
  readonly #parts: OrchestratorParts
  readonly #options: OrchestratorOptions
  readonly #limits: Limits
  readonly #pace = new Pace()
  readonly #quietPace = new Pace()
  readonly #answers: Record<string, Handler> = {}
  readonly #operations = new Window(operationsMax)
  readonly #closing = new AbortController()

  constructor(parts: OrchestratorParts, options: OrchestratorOptions) {
    const { transporter, store, membership } = parts
    this.#parts = parts
    this.#options = options
    this.#limits = { ...defaultLimits, ...options.limits }
    const self = new LocalHolder(store, () => this.self())
    this.circle = new Circle({ ...parts, self, limits: this.#limits })
    this.activity = new Activity(parts.clock)
    this.operate(storeOperations(store, this.activity))
    this.operate({ compare: (peer, request) => membership.answer(peer, request) })
    transporter.serve(serve(this.#answers))
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
    const { keys } = this.#options
    if (keys === undefined) {
      throw new DreyError(
        'no-read-secret',
        'this node stores for others and cannot seal: put at a node whose role is reader',
      )
    }
    const { pool, crew, log } = this.#parts
    const { hash = 'blake3', code } = options
    await using operation = await this.#begin(options.signal)
    return await put(source, {
      keys,
      pool,
      crew,
      log,
      hash,
      segmentsAhead: this.#limits.segmentsAhead,
      code: () => code ?? this.code(),
      order: (block, signal) => this.circle.order(block, signal),
      signal: operation.signal,
    })
  }

  /**
   * Finds a blob by its address. Throws 'not-found', 'not-enough-shards', and 'no-read-secret' when
   * there is neither a key in hand nor the read secret to unwrap one.
   */
  async find(address: Address, key?: Uint8Array, options: ReadOptions = {}): Promise<Blob> {
    if (address.code !== codecs['dag-cbor']) throw notAWhole()
    await using operation = await this.#begin(options.signal)
    const block = await this.#findRoot(address, this.#getParts(operation.signal, options))
    if (key !== undefined) return new Blob(address, key, block) // Perhaps of another swarm.
    const { keys } = this.#options
    return new Blob(address, rootKeyOf(block, keys), block, keys)
  }

  /**
   * Who holds what of a block, and which way they were found: those computed are asked, then everyone
   * connected, then those whom the DHT names. All are asked, whoever has answered.
   */
  async locate(address: Address, options: ReadOptions = {}): Promise<Found[]> {
    await using operation = await this.#begin(options.signal)
    const { clock } = this.#parts
    const likely = codeFor(this.code(), segmentBytes).n
    return await locate(
      address,
      { circle: this.circle, likely, clock, limits: this.#limits },
      operation.signal,
    )
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
    return gather(block, undefined, slot, { ...this.#gathering(), ...read, pace: this.#quietPace })
  }

  /** The addresses of a blob's blocks, without a key: see `manifest/tree.ts`. */
  async *blocksOf(root: Address, options: ReadOptions = {}): AsyncGenerator<Address> {
    if (root.code !== codecs['dag-cbor']) throw notAWhole()
    await using operation = await this.#begin(options.signal)
    const parts = this.#getParts(operation.signal, options)
    yield* blocksOf(root, (address) => fetchNode(address, parts))
  }

  /** Reads a range of a blob; see `Blob.read` for how long a chunk lives. */
  async *read(blob: Blob, range: Range, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    await using operation = await this.#begin(options.signal)
    yield* blob.read(range, this.#getParts(operation.signal, options))
  }

  /**
   * Hands this node's shards to others and leaves the swarm: afterwards nobody counts on it. While any shard
   * is here alone it stays, says what is left, and may be asked again. With `isNow` nothing is handed over.
   */
  async leave(options: { isNow: boolean } & DrainOptions): Promise<DrainReport | undefined> {
    const { membership } = this.#parts
    await using operation = await this.#begin(options.signal)
    const report = options.isNow ? undefined : await this.#drain(options, operation.signal)
    if ((report?.failed ?? 0) === 0) await membership.say({ stage: 'left' })
    return report
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DreyError('unreachable', 'the node is closing'))
    // Whatever is under way lets go of its slots; a reader that neither reads nor leaves is not waited for.
    using soon = timeLimit(this.#parts.clock, closingMs)
    await this.#operations.take(operationsMax, soon.signal).catch(() => {})
  }

  async #begin(outer?: AbortSignal): Promise<AsyncDisposable & { signal: AbortSignal }> {
    const signals = [this.#closing.signal, ...(outer ? [outer] : [])]
    const signal = AbortSignal.any(signals)
    await this.#operations.take(1, signal)
    const { end } = this.activity.begin()
    return {
      signal,
      [Symbol.asyncDispose]: async () => {
        end()
        this.#operations.give(1)
      },
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

  async #drain(options: DrainOptions, signal: AbortSignal): Promise<DrainReport> {
    const { membership } = this.#parts
    await membership.say({ stage: 'leaving' }) // From now on nobody sends it new shards.
    try {
      const others = () => this.circle.live().slice(1)
      return await drain({ ...this.#parts, others }, { ...options, signal })
    } catch (error) {
      await membership.say({ stage: 'here' })
      throw error
    }
  }

  /** The root of a blob, from whoever the DHT names if those who are connected do not have it. */
  async #findRoot(address: Address, parts: GetParts): Promise<Uint8Array> {
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
    return { crew, clock, limits: this.#limits, pace: this.#pace, absent }
  }
}
