import type { Query, Rpc } from 'bittorrent-dht'
import type { Address } from '../address/address.ts'
import type { Clock } from '../base/clock.ts'
import { DreyError } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { formatEndpoint } from '../transport/endpoint.ts'
import type { Dht, DhtState } from './dht.ts'
import { Announcer } from './dhtAnnouncer.ts'
import type { Gate } from './dhtGate.ts'
import { peerIdOfDht, type DhtKeys } from './dhtKeys.ts'
import type { DhtLimits } from './dhtLimits.ts'
import { Lookups, type LookupOptions } from './dhtLookups.ts'
import { Tender } from './dhtTender.ts'
import type { Values } from './dhtValues.ts'
import { unlessAborted } from './dhtWait.ts'
import { isCloser, type Step } from './dhtWalk.ts'
import type { Near } from './hints.ts'

export interface DhtNodeParts {
  readonly id: Buffer
  /** Where this node listens. */
  readonly host: string
  readonly keys: DhtKeys
  readonly rpc: Rpc
  readonly gate: Gate
  readonly values: Values
  readonly limits: DhtLimits
  readonly canBeDialed: () => boolean
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Ends the engine. */
  readonly close: () => Promise<void>
}

const nodesToRemember = 20

/** A node of the DHT over an engine that listens. */
export class DhtNode implements Dht {
  readonly port: number
  readonly #parts: DhtNodeParts
  readonly #lookups: Lookups
  readonly #tender: Tender
  readonly #announcer: Announcer
  readonly #over = new AbortController()
  readonly #loops: Promise<unknown>

  constructor(parts: DhtNodeParts) {
    const { rpc, gate, values, limits } = parts
    this.#parts = parts
    this.port = gate.address().port
    this.#lookups = new Lookups({ ...parts, lost: (node) => this.#tender.doubt(node) })
    this.#tender = new Tender({ ...parts, explore: (signal) => this.#explore(signal) })
    const announce = (key: Buffer, port: number, signal: AbortSignal) =>
      this.#announce(key, port, signal)
    this.#announcer = new Announcer({ ...parts, ...limits, announce })
    rpc.removeAllListeners('ping') // The engine's own, see `Tender`.
    rpc.on('ping', (oldest, replace) => {
      if (gate.senderCanBeDialed) this.#tender.choose(oldest, replace)
    })
    const { signal } = this.#over
    const tending = this.#tender.run(signal, () => values.sweep())
    this.#loops = Promise.allSettled([tending, this.#announcer.run(signal)]) // They end by being aborted.
  }

  addNode(address: string): void {
    this.#tender.add(address)
  }

  nodes(): string[] {
    const latest = this.#parts.rpc.nodes.toArray().sort((a, b) => (b.seen ?? 0) - (a.seen ?? 0))
    return latest.slice(0, nodesToRemember).map(({ host, port }) => formatEndpoint(host, port))
  }

  announceSelf(port?: number): void {
    this.#announcer.add(this.#parts.keys.swarm, port)
  }

  stopAnnouncing(): void {
    this.#announcer.remove(this.#parts.keys.swarm)
  }

  members(options: LookupOptions): AsyncIterable<string> {
    return this.#announced(this.#parts.keys.swarm, options)
  }

  publish(root: Address): void {
    const { keys, limits } = this.#parts
    const key = keys.of(root)
    if (this.#published >= limits.publishedMax && !this.#announcer.has(key)) {
      throw new DreyError('busy', `this node already publishes ${limits.publishedMax} roots`)
    }
    this.#announcer.add(key)
  }

  unpublish(root: Address): void {
    this.#announcer.remove(this.#parts.keys.of(root))
  }

  holders(root: Address, options: LookupOptions): AsyncIterable<string> {
    return this.#announced(this.#parts.keys.of(root), options)
  }

  async nearest(
    block: Address,
    { count, ...options }: LookupOptions & { readonly count: number },
  ): Promise<Near[]> {
    const { keys, id, host } = this.#parts
    const target = keys.of(block)
    const { closest } = await this.#lookups.walk(target, {
      q: 'find_node',
      width: count,
      ...options,
    })
    const nodes: Pick<Step, 'id' | 'host' | 'port'>[] = [...closest]
    const at = nodes.findIndex((node) => isCloser(target, id, node.id))
    nodes.splice(at < 0 ? nodes.length : at, 0, { id, host, port: this.port })
    return nodes.slice(0, count).map((node) => ({
      id: peerIdOfDht(node.id),
      address: formatEndpoint(node.host, node.port),
    }))
  }

  state(): DhtState {
    const { rpc, values, gate } = this.#parts
    const counts = { nodes: rpc.nodes.count(), stored: values.count, published: this.#published }
    return { ...gate.traffic, ...counts }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#over.signal.aborted) return
    this.#over.abort(new Error('the node is stopping'))
    this.#lookups.close()
    await this.#loops
    await this.#parts.close()
  }

  get #published(): number {
    return this.#announcer.count - Number(this.#announcer.has(this.#parts.keys.swarm))
  }

  #announced(key: Buffer, options: LookupOptions): AsyncIterable<string> {
    const own = this.#parts.values.get(key.toString('hex'))
    return this.#lookups.announced(key, own, options)
  }

  /** Tells those closest to a key that this node is to be found under it. */
  async #announce(key: Buffer, port: number, signal: AbortSignal): Promise<number> {
    const { canBeDialed, limits } = this.#parts
    if (!canBeDialed()) return 0
    const { closest } = await this.#lookups.walk(key, {
      q: 'get_peers',
      width: limits.copies,
      signal,
    })
    const told = closest.slice(0, limits.copies).map((node) => this.#tell(node, key, port))
    return (await unlessAborted(Promise.all(told), signal)).filter(Boolean).length
  }

  /** Whether the node has taken note. */
  #tell({ token, id, host, port: at }: Step, key: Buffer, port: number): Promise<boolean> {
    const { rpc, id: own } = this.#parts
    if (token === undefined) return Promise.resolve(false)
    const a = { id: own, info_hash: key, token, port, implied_port: port === 0 ? 1 : 0 }
    const query: Query = { q: 'announce_peer', a }
    return new Promise((resolve) => {
      rpc.query({ id, host, port: at }, query, (error) => resolve(error === null))
    })
  }

  /** Looks for those closest to this node, and to anywhere. */
  async #explore(signal: AbortSignal): Promise<void> {
    const { id, random } = this.#parts
    for (const target of [id, Buffer.from(random.bytes(id.length))]) {
      await this.#lookups.walk(target, { q: 'find_node', width: nodesToRemember, signal })
    }
    this.#announcer.retry()
  }
}
