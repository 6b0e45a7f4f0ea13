import { systemClock, type Clock } from '../base/clock.ts'
import { DreyError } from '../base/error.ts'
import { silentLog, type Log } from '../base/log.ts'
import { between, seededRandom, type Random } from '../base/random.ts'
import { keepConnected } from './keep.ts'
import { MemoryLink, type MemoryPeer } from './memoryLink.ts'
import type { Handler, Peer, PeerEvent, PeerId, Role, Transporter } from './transporter.ts'

export interface MemoryNetworkOptions {
  readonly seed?: number
  readonly clock?: Clock
  readonly log?: Log
  /** One way; between any two, or for each message. */
  readonly latencyMs?: number | ((from: PeerId, to: PeerId) => number)
  /** The part of messages, in [0, 1], that never arrive; who asked runs into the time limit. */
  readonly loss?: number
  /** The part of payloads that arrive with one byte changed. */
  readonly corruption?: number
  /** How long it takes to notice that the other side is gone without a word. */
  readonly aliveMs?: number
}

const defaults = { aliveMs: 15_000, port: 1 } as const

/**
 * A network without sockets, whose weather is in your hands: the same seed and clock give the same
 * weather. Member "ann" is dialed at "ann:1".
 */
export class MemoryNetwork {
  readonly clock: Clock
  readonly log: Log
  readonly random: Random
  readonly #options: MemoryNetworkOptions
  readonly #members = new Map<PeerId, MemoryTransporter>()
  readonly #silent = new Set<PeerId>()
  #groups: readonly (readonly PeerId[])[] = []

  constructor(options: MemoryNetworkOptions = {}) {
    this.#options = options
    this.clock = options.clock ?? systemClock
    this.log = options.log ?? silentLog
    this.random = seededRandom(options.seed ?? 1)
  }

  /** A new member; one of the same id may be there again after it has closed. */
  member(id: PeerId, { role = 'storage' }: { role?: Role } = {}): Transporter {
    const member = new MemoryTransporter(this, id, role)
    this.#members.set(id, member)
    return member
  }

  /** Only members of the same group hear each other; who is named in none stands in one with the rest. */
  partition(groups: readonly (readonly PeerId[])[]): void {
    this.#groups = groups
    this.#notice()
  }

  /** Everyone hears everyone again, also those that were silent. */
  heal(): void {
    this.#groups = []
    this.#silent.clear()
  }

  /** This member is neither heard nor hears, and nobody is told. */
  silence(id: PeerId): void {
    this.#silent.add(id)
    this.#notice()
  }

  wake(id: PeerId): void {
    this.#silent.delete(id)
  }

  /** Whether nothing passes between these two. */
  cut(a: PeerId, b: PeerId): boolean {
    const groupOf = (id: PeerId) => this.#groups.findIndex((group) => group.includes(id))
    return this.#silent.has(a) || this.#silent.has(b) || groupOf(a) !== groupOf(b)
  }

  /** Takes the time that a message takes; whether it arrives. */
  async carry(from: PeerId, to: PeerId): Promise<boolean> {
    const lost = this.#chance(this.#options.loss)
    const { latencyMs: latency = 0 } = this.#options
    const latencyMs = typeof latency === 'number' ? latency : latency(from, to)
    if (latencyMs > 0) await this.clock.sleep(latencyMs)
    return !lost && !this.cut(from, to)
  }

  /** A copy of a payload, as it arrives. */
  copy(payload: Uint8Array): Uint8Array {
    const copy = new Uint8Array(payload)
    if (copy.length > 0 && this.#chance(this.#options.corruption)) {
      copy[between(this.random, 0, copy.length)]! ^= between(this.random, 1, 256)
    }
    return copy
  }

  /** Who listens there, if it can be heard from here. */
  async find(address: string, seeker: PeerId): Promise<MemoryTransporter> {
    const member = [...this.#members.values()].find((each) => each.address === address)
    const heard =
      (await this.carry(seeker, member?.id ?? seeker)) &&
      (await this.carry(member?.id ?? seeker, seeker))
    if (member === undefined || member.closed || !heard) {
      throw new DreyError('unreachable', `${address} cannot be reached`)
    }
    return member
  }

  #chance(part = 0): boolean {
    return part > 0 && this.random.fraction() < part
  }

  /** What is cut now and still cut after a while is noticed. */
  #notice(): void {
    const { aliveMs = defaults.aliveMs } = this.#options
    const links = [...this.#members.values()].flatMap((member) => member.links())
    const suspects = links.filter(({ a, b }) => this.cut(a.id, b.id))
    if (suspects.length === 0) return
    void this.clock.sleep(aliveMs).then(() => {
      for (const link of suspects) {
        if (this.cut(link.a.id, link.b.id)) link.end(`it was silent for ${aliveMs} ms`)
      }
    })
  }
}

/** The keeper of `Transporter` in a memory network. */
export class MemoryTransporter implements Transporter {
  readonly id: PeerId
  readonly role: Role
  readonly address: string
  handler: Handler | undefined
  readonly #network: MemoryNetwork
  readonly #peers = new Map<PeerId, MemoryPeer>()
  readonly #listeners = new Set<(event: PeerEvent) => void>()
  readonly #over = new AbortController()

  constructor(network: MemoryNetwork, id: PeerId, role: Role) {
    this.#network = network
    this.id = id
    this.role = role
    this.address = `${id}:${defaults.port}`
  }

  get closed(): boolean {
    return this.#over.signal.aborted
  }

  peers(): Peer[] {
    return [...this.#peers.values()]
  }

  links(): MemoryLink[] {
    return [...this.#peers.values()].map(({ link }) => link)
  }

  async connect(address: string, { signal }: { signal?: AbortSignal } = {}): Promise<Peer> {
    signal?.throwIfAborted()
    this.#over.signal.throwIfAborted()
    if (address === this.address) {
      throw new DreyError('bad-input', `${address} is this node itself`)
    }
    const other = await this.#network.find(address, this.id)
    signal?.throwIfAborted()
    this.#over.signal.throwIfAborted()
    return this.#peers.get(other.id) ?? new MemoryLink(this.#network, this, other).peerOf(this)
  }

  keepConnected(address: string): void {
    const { clock, random, log } = this.#network
    void keepConnected({ transporter: this, clock, random, log }, address, this.#over.signal)
  }

  serve(handler: Handler): void {
    this.handler = handler
  }

  watch(listener: (event: PeerEvent) => void): () => void {
    const mine = (event: PeerEvent) => listener(event)
    this.#listeners.add(mine)
    return () => void this.#listeners.delete(mine)
  }

  async close(): Promise<void> {
    const gone = new DreyError('unreachable', 'this node has closed its connections')
    if (!this.closed) this.#over.abort(gone)
    for (const link of this.links()) link.end('the node is stopping')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  up(peer: MemoryPeer): void {
    this.#peers.set(peer.id, peer)
    for (const listener of this.#listeners) listener({ type: 'up', peer })
  }

  down(peer: MemoryPeer, reason: string): void {
    this.#peers.delete(peer.id)
    for (const listener of this.#listeners) listener({ type: 'down', peer, reason })
  }
}
