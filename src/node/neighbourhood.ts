import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import type { Bytes } from '../base/bytes.ts'
import { between, seededRandom, type Random } from '../base/random.ts'
import type { Code } from '../coding/code.ts'
import { readKeysOf } from '../crypto/keys.ts'
import { InlineCrew } from '../pipe/crew.ts'
import { Pool } from '../pipe/pool.ts'
import { MemoryStore } from '../store/memory.ts'
import type { Shard, ShardName, Store } from '../store/store.ts'
import { WrapperStore } from '../store/wrapper.ts'
import { memoryLeases, type Leases } from '../lease/leases.ts'
import type { Hints } from '../discovery/hints.ts'
import type { MembershipLimits } from '../discovery/limits.ts'
import { Membership } from '../discovery/membership.ts'
import { MemoryNetwork } from '../transport/memory.ts'
import { MemoryNotary } from '../transport/memoryNotary.ts'
import type { Role, Transporter } from '../transport/transporter.ts'
import type { Limits } from './limits.ts'
import { Orchestrator } from './orchestrator.ts'

/** A whole node over memory, and what a test may do to it. */
export interface Neighbour {
  readonly id: string
  readonly node: Orchestrator
  readonly membership: Membership
  readonly store: MischiefStore
  readonly leases: Leases
  readonly pool: Pool
  readonly transporter: Transporter
}

export interface NeighbourhoodOptions {
  readonly peers: number
  /** Live in this network, and are numbered from here on. */
  readonly network?: MemoryNetwork
  readonly first?: number
  readonly seed?: number
  readonly code?: Code
  readonly limits?: Partial<Limits>
  readonly role?: (index: number) => Role
  readonly capacity?: (index: number) => number
  readonly zone?: (index: number) => string
  readonly ownerQuota?: (index: number) => number
  readonly membership?: Partial<MembershipLimits>
  /** In place of a DHT. */
  readonly hints?: Hints
  /** Neighbours are met until each knows so many others. */
  readonly meeting?: number
  /** Wraps each neighbour's store. */
  readonly store?: (inner: Store, index: number) => Store
}

const gib = 2 ** 30
/** Short, so that a test of slowness is not slow. */
const shortLimits = { answerMs: 300, keepMs: 400, fetchMs: 400, hedgeFloorMs: 40 }

/** Whole nodes that know each other, over memory stores and the memory network. */
export async function neighbourhood(options: NeighbourhoodOptions): Promise<Neighbourhood> {
  const network = options.network ?? new MemoryNetwork({ seed: options.seed, aliveMs: 60_000 })
  const peers = Array.from({ length: options.peers }, (_, index) =>
    settle(network, (options.first ?? 0) + index, options),
  )
  // Each knows the first; the membership tells of the others.
  for (const { transporter } of peers.slice(1))
    transporter.keepConnected(peers[0]!.transporter.address)
  const town = new Neighbourhood(network, peers)
  const met = ({ membership }: Neighbour) =>
    membership.others().filter(({ peer }) => peer !== undefined).length
  const { meeting = peers.length - 1 } = options
  while (peers.some((peer) => met(peer) < meeting)) await systemClock.sleep(1)
  return town
}

function settle(network: MemoryNetwork, index: number, options: NeighbourhoodOptions): Neighbour {
  const role = options.role?.(index) ?? 'reader'
  const id = `n${index}`
  const transporter = network.member(id, { role })
  const inner = options.store?.(new MemoryStore(), index) ?? new MemoryStore()
  const store = new MischiefStore(inner)
  const pool = new Pool()
  const crew = new InlineCrew(pool)
  const common = { transporter, clock: systemClock, log: silentLog }
  const leases = memoryLeases({
    ...{ owner: id, clock: systemClock },
    ownerQuota: options.ownerQuota?.(index),
  })
  const membership = new Membership(
    { ...common, notary: new MemoryNotary(id, role), random: network.random },
    {
      name: id,
      zone: options.zone?.(index) ?? '',
      addresses: [transporter.address],
      relays: [],
      offersRelay: false,
      capacity: options.capacity?.(index) ?? gib,
      free: 0,
      stage: 'here',
    },
    options.membership,
  )
  const node = new Orchestrator(
    { ...common, store, leases, membership, pool, crew, hints: options.hints },
    {
      keys: role !== 'storage' ? readKeysOf(new Uint8Array(32).fill(5)) : undefined,
      code: options.code,
      limits: { ...shortLimits, ...options.limits },
    },
  )
  return { id, node, membership, store, leases, pool, transporter }
}

export class Neighbourhood implements AsyncDisposable {
  readonly network: MemoryNetwork
  readonly peers: readonly Neighbour[]

  constructor(network: MemoryNetwork, peers: readonly Neighbour[]) {
    this.network = network
    this.peers = peers
  }

  /** These leave: their connections end. */
  async leave(...indexes: number[]): Promise<void> {
    await Promise.all(indexes.map((index) => this.peers[index]!.transporter.close()))
  }

  /** The names of all shards that are kept, whoever keeps them. */
  async shards(): Promise<Map<number, ShardName[]>> {
    const kept = new Map<number, ShardName[]>()
    for (const [index, { store }] of this.peers.entries()) {
      const names: ShardName[] = []
      for await (const name of store.list()) names.push(name)
      kept.set(index, names)
    }
    return kept
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { node, membership, transporter } of this.peers) {
      await node[Symbol.asyncDispose]()
      await membership[Symbol.asyncDispose]()
      await transporter.close()
    }
  }
}

/** A store whose owner does not mean well, or whose disk does not. */
export class MischiefStore extends WrapperStore {
  /** What becomes of a shard that is read. */
  onGet: (shard: Shard) => Promise<Shard | undefined> | Shard | undefined = (shard) => shard
  onPut: () => Promise<void> | void = () => {}
  gets = 0

  override async put(shard: Shard, options?: { signal?: AbortSignal }): Promise<boolean> {
    await this.onPut()
    return this.inner.put(shard, options)
  }

  override async get(
    name: ShardName,
    options?: { signal?: AbortSignal },
  ): Promise<Shard | undefined> {
    this.gets += 1
    const shard = await this.inner.get(name, options)
    return shard && this.onGet(shard)
  }
}

/** The same bytes in pieces of any size. */
export async function* torn(bytes: Uint8Array, random: Random = seededRandom(1)): Bytes {
  for (let at = 0; at < bytes.length;) {
    const size = between(random, 1, 400_000)
    yield bytes.slice(at, at + size)
    at += size
  }
}

/** Reads a whole blob, or a range of it, at one neighbour. */
export async function fetchBlob(
  { node }: Neighbour,
  address: Parameters<Orchestrator['find']>[0],
  options: { start?: number; end?: number } & Parameters<Orchestrator['find']>[2] = {},
): Promise<Buffer> {
  const blob = await node.find(address, undefined, options)
  const range = { start: options.start ?? 0, end: options.end ?? blob.size }
  const pieces: Buffer[] = []
  for await (const piece of node.read(blob, range, options)) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}
