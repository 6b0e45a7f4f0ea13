import { DreyError, messageOf } from '../base/error.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { Rarely } from '../base/rarely.ts'
import type { Vouched } from '../transport/door.ts'
import type { Notary } from '../transport/notary.ts'
import type { Message, Peer, PeerId, Transporter } from '../transport/transporter.ts'
import { Connector } from './connector.ts'
import { signEviction, type Eviction } from './eviction.ts'
import { decodeExchange, encodeExchange, type Exchange } from './exchange.ts'
import { Ledger } from './ledger.ts'
import { membershipDefaults, type MembershipLimits } from './limits.ts'
import type { MemberRecord, Saying } from './record.ts'
import { chooseWanted } from './wanted.ts'

export interface MembershipParts {
  readonly transporter: Transporter
  readonly notary: Notary
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly dialThrough?: (relay: Peer, id: PeerId, signal: AbortSignal) => Promise<Peer>
  /** What this node says of itself with each heartbeat, as far as it may have changed. */
  readonly describe?: () => Promise<Partial<Saying>>
  /** Makes evictions survive a restart; resolves when they do. */
  readonly saveEvictions?: (evictions: readonly Uint8Array[]) => Promise<void>
}

/**
 * - `live`: connected, or heard of lately in a swarm too large for everyone to be connected
 * - `suspect`: a connection or a heartbeat is missing
 * - `away`: that for ten minutes
 */
export type MemberState = 'live' | 'suspect' | 'away' | 'left'

/** A member as this node sees it. */
export interface Seen {
  readonly record: MemberRecord
  readonly state: MemberState
  /** When it is connected. */
  readonly peer: Peer | undefined
  /** When it was last heard, here or by others. */
  readonly heardAt: number
}

const rumorPeers = 6 // That each hands a new record to: it is with everyone within a few steps.
const connectionsPerPeer = 4 // Others want this node too, and some are asked now and then.
const settlingMs = 20
const missedBeats = 2.5 // One may be late on its way through the swarm.

/**
 * Who belongs to the swarm, as far as this node knows: members' own signed records and issuers' evictions,
 * compared with peers again and again (push-pull, Demers et al. 1987), the newest of each kept.
 */
export class Membership implements AsyncDisposable {
  readonly connector: Connector
  readonly #parts: MembershipParts
  readonly #limits: MembershipLimits
  readonly #ledger: Ledger
  readonly #rarely: Rarely
  readonly #listeners = new Set<() => void>()
  readonly #over = new AbortController()
  readonly #stopWatching: () => void

  constructor(
    parts: MembershipParts,
    saying: Omit<Saying, 'at'>,
    limits: Partial<MembershipLimits> = {},
  ) {
    this.#parts = parts
    this.#limits = { ...membershipDefaults, ...limits }
    this.#rarely = new Rarely(parts.clock)
    const isConnected = (id: PeerId) => parts.transporter.peers().some((peer) => peer.id === id)
    const { membersMax } = this.#limits
    this.#ledger = new Ledger({ ...parts, membersMax, isConnected }, saying)
    this.connector = new Connector({ ...parts, recordOf: (id) => this.#ledger.roster.get(id) })
    this.#stopWatching = parts.transporter.watch(({ type, peer }) => {
      this.#ledger.hear(peer.id)
      if (type === 'up') void this.compareWith(peer)
      else this.#tell()
    })
    for (const peer of parts.transporter.peers()) void this.compareWith(peer)
    void this.#repeat(this.#limits.heartbeatMs, async () => {
      this.#ledger.sign((await parts.describe?.()) ?? {})
    })
    void this.#repeat(this.#limits.exchangeMs, () => this.#compareWithAny())
  }

  /** This node's own record. */
  get own(): MemberRecord {
    return this.#ledger.own
  }

  /** Whether there are more members than this node can know. */
  get isPartial(): boolean {
    return this.#ledger.roster.isFull
  }

  /** Resolves when every member that was here lately is connected, or the time is up. */
  async settled(timeoutMs: number): Promise<void> {
    const { clock } = this.#parts
    const until = clock.now() + timeoutMs
    while (this.others().some(({ state }) => state === 'suspect') && clock.now() < until) {
      await clock.sleep(settlingMs)
    }
  }

  /** Everyone else who is known. */
  others(): Seen[] {
    const { transporter } = this.#parts
    const peers = new Map(transporter.peers().map((peer) => [peer.id, peer]))
    const records = this.#ledger.roster.all().filter(({ id }) => id !== transporter.id)
    return records.map((record) => this.#see(record, peers.get(record.id)))
  }

  /** Calls when somebody came, went, or said something new. Returns how to stop listening. */
  watch(listener: () => void): () => void {
    const mine = () => listener()
    this.#listeners.add(mine)
    return () => void this.#listeners.delete(mine)
  }

  /** Says something new of this node; resolves when peers have been told. */
  async say(changes: Partial<Saying>): Promise<void> {
    this.#ledger.sign(changes)
    this.#tell()
    await this.#spread({ records: [this.own.bytes] })
  }

  /** Takes in what was known before a restart. What does not hold is left out. */
  async remember(records: readonly Uint8Array[], evictions: readonly Uint8Array[]): Promise<void> {
    await this.#learn({ records, evictions }, 'the data folder')
  }

  /** What to keep for a restart: `remember` takes it. */
  records(): Uint8Array[] {
    return this.#ledger.roster.all().map(({ bytes }) => bytes)
  }

  /** Why a member is not wanted although its certificate holds, or `undefined`. */
  whyNot(member: Vouched): string | undefined {
    return this.#ledger.whyNot(member)
  }

  /**
   * Ends a membership, for all and for good: the statement spreads, and whoever knows it refuses the member.
   * Members that it had admitted stay. Throws 'not-a-member' when this node is no issuer, 'bad-input'.
   */
  async evict(subject: PeerId): Promise<void> {
    const { notary, transporter, clock } = this.#parts
    if (this.own.role !== 'issuer') {
      throw new DreyError('not-a-member', 'this node is no issuer: evict at a node that can invite')
    }
    if (subject === transporter.id) {
      throw new DreyError('bad-input', 'a node does not evict itself: see drey leave')
    }
    const spared = this.#ledger.sparedOf(subject)
    const eviction = signEviction(notary, { subject, spared, at: clock.now() })
    await this.#learn({ evictions: [eviction] }, 'this node')
  }

  /** Answers a peer that compares what it knows with what this node knows. */
  async answer(peer: Peer, request: Message): Promise<Message> {
    const said = decodeExchange(request.payload)
    await this.#learn(said, peer.id, peer)
    return { header: {}, payload: encodeExchange(this.#ledger.reply(said)) }
  }

  /** Compares what this node knows with what a peer knows: afterwards both know the newer of each. */
  async compareWith(peer: Peer): Promise<void> {
    const { roster, evictions } = this.#ledger
    try {
      const records = [this.own.bytes]
      const digest = roster.digest()
      const full = roster.isFull ? true : undefined
      const said = await this.#ask(peer, { digest, full, sum: evictions.sum, records })
      await this.#learn(said, peer.id, peer)
      const more = this.#ledger.reply(said)
      if ((more.records ?? more.evictions) !== undefined) await this.#ask(peer, more)
    } catch (error) {
      if (this.#over.signal.aborted) return
      this.#rarely.say(peer.id, (held) => {
        const why = messageOf(error)
        this.#parts.log.warn('could not compare members', { member: peer.id, why, held })
      })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new Error('the node is closing'))
    this.#stopWatching()
    this.connector[Symbol.dispose]()
  }

  #see(record: MemberRecord, peer: Peer | undefined): Seen {
    const now = this.#parts.clock.now()
    const heardAt = peer ? now : this.#ledger.heardAt(record.id)
    return { record, state: this.#stateOf(record, peer, now - heardAt), peer, heardAt }
  }

  #stateOf({ id, stage }: MemberRecord, peer: Peer | undefined, silentMs: number): MemberState {
    const { heartbeatMs, awayMs } = this.#limits
    if (stage === 'left') return 'left'
    if (peer !== undefined) return 'live'
    if (silentMs > awayMs) return 'away'
    // Whom this node is not meant to be connected to is live as long as others hear it.
    const isLate = this.connector.isWanted(id) || silentMs > heartbeatMs * missedBeats
    return isLate ? 'suspect' : 'live'
  }

  async #repeat(everyMs: number, work: () => Promise<void>): Promise<void> {
    const { clock, random, log } = this.#parts
    const { signal } = this.#over
    while (!signal.aborted) {
      try {
        await clock.sleep(everyMs * (0.75 + random.fraction() / 2), signal)
        await work()
      } catch (error) {
        if (signal.aborted) return
        this.#rarely.say('', (held) => {
          log.warn('could not say how this node is', { why: messageOf(error), held })
        })
      }
    }
  }

  async #compareWithAny(): Promise<void> {
    const { transporter, random } = this.#parts
    this.#ledger.sweep()
    this.#choose()
    const peers = transporter.peers()
    const peer = peers[Math.floor(random.fraction() * peers.length)]
    if (peer !== undefined) await this.compareWith(peer)
  }

  async #ask(peer: Peer, exchange: Exchange): Promise<Exchange> {
    const message = { header: { op: 'compare' }, payload: encodeExchange(exchange) }
    const answer = await peer.request(message, { timeoutMs: this.#limits.answerMs })
    try {
      return decodeExchange(answer.payload)
    } finally {
      answer.release?.()
    }
  }

  /** Takes in what was said, and acts on what was new. */
  async #learn(said: Exchange, from: string, peer?: Peer): Promise<void> {
    const { heard, fresh, moved, evicted, outdone } = this.#ledger.learn(said, from)
    if (outdone) this.#ledger.sign({})
    for (const id of moved) this.connector.nudge(id)
    if (evicted.length > 0) await this.#enforce(evicted)
    if (heard.length > 0) this.#choose()
    if (heard.length + evicted.length > 0) this.#tell()
    const bytesOf = (items: readonly { bytes: Uint8Array }[]) => items.map(({ bytes }) => bytes)
    if (evicted.length > 0) void this.#spread({ evictions: bytesOf(evicted) }, Infinity, peer)
    if (fresh.length > 0) void this.#spread({ records: bytesOf(fresh) }, rumorPeers, peer)
  }

  /** Evicted members are cut off now, and forgotten; a restart does not bring them back. */
  async #enforce(evicted: readonly Eviction[]): Promise<void> {
    const { log, saveEvictions, transporter } = this.#parts
    for (const { subject, by } of evicted) {
      log.warn('a member was evicted', { member: subject, by: by.id })
    }
    const gone = new Set(this.#ledger.forgetEvicted().map(({ id }) => id))
    for (const { subject } of evicted) {
      if (this.#ledger.evictions.isEvicted(subject)) gone.add(subject)
    }
    for (const peer of transporter.peers()) {
      if (gone.has(peer.id)) peer.close('evicted from the swarm')
    }
    await saveEvictions?.(this.#ledger.evictions.all().map(({ bytes }) => bytes))
  }

  /** Hands news on at once. Whoever misses it hears it when it compares. */
  async #spread(news: Exchange, count = Infinity, except?: Peer): Promise<void> {
    const { transporter, random } = this.#parts
    const peers = transporter.peers().filter((peer) => peer !== except)
    while (peers.length > count) peers.splice(Math.floor(random.fraction() * peers.length), 1)
    await Promise.allSettled(peers.map((peer) => this.#ask(peer, news)))
  }

  #choose(): void {
    const present = this.others().filter(({ record }) => record.stage !== 'left')
    const { peersMax } = this.#limits
    this.connector.want(chooseWanted(this.#parts.transporter.id, present, peersMax))
    this.connector.prune(peersMax * connectionsPerPeer)
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
