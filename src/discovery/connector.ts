import type { Clock } from '../base/clock.ts'
import { DreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Peer, PeerId, Transporter } from '../transport/transporter.ts'
import type { MemberRecord } from './record.ts'

export interface ConnectorParts {
  readonly transporter: Transporter
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly recordOf: (id: PeerId) => MemberRecord | undefined
  /** Connects over a member that both reach. */
  readonly dialThrough?: (relay: Peer, id: PeerId, signal: AbortSignal) => Promise<Peer>
}

const limits = {
  firstRestMs: 500, // A restarted node is back in about this time.
  longestRestMs: 10_000, // A partition that heals is over for both sides within two of these.
  awayRestMs: 60_000, // For members that have been gone for ten minutes.
  awayAfterMs: 600_000,
  staggerMs: 250, // Between a member's addresses, as RFC 8305 has it.
  relayAfterMs: 1_000, // The straight way is better: it has this much of a start.
} as const

/** Keeps this node connected to the members it wants, and connects to others when they are asked for. */
export class Connector implements Disposable {
  readonly #parts: ConnectorParts
  readonly #wanted = new Map<PeerId, AbortController>()
  readonly #dialing = new Map<PeerId, Promise<Peer>>()
  /** Ends a rest between attempts: there is news of this member. */
  readonly #nudges = new Map<PeerId, () => void>()
  readonly #over = new AbortController()
  readonly #stopWatching: () => void

  constructor(parts: ConnectorParts) {
    this.#parts = parts
    this.#stopWatching = parts.transporter.watch(({ peer }) => this.nudge(peer.id))
  }

  /** From now on exactly these are kept connected; connections to others are left as they are. */
  want(ids: Iterable<PeerId>): void {
    const wanted = new Set(ids)
    for (const [id, controller] of this.#wanted) {
      if (wanted.has(id)) continue
      controller.abort(new Error('not wanted any more'))
      this.#wanted.delete(id)
    }
    for (const id of wanted) {
      if (this.#wanted.has(id) || id === this.#parts.transporter.id) continue
      const controller = new AbortController()
      this.#wanted.set(id, controller)
      void this.#keep(id, AbortSignal.any([controller.signal, this.#over.signal]))
    }
  }

  /** Ends connections that are not wanted, the oldest first, until at most `max` are left. */
  prune(max: number): void {
    const { transporter } = this.#parts
    const peers = transporter.peers()
    const unwanted = peers.filter(({ id }) => !this.#wanted.has(id))
    for (const peer of unwanted.slice(0, Math.max(0, peers.length - max))) {
      peer.close('this node has too many connections')
    }
  }

  isWanted(id: PeerId): boolean {
    return this.#wanted.has(id)
  }

  /** There is news of a member: it is tried now. */
  nudge(id: PeerId): void {
    this.#nudges.get(id)?.()
  }

  peer(id: PeerId): Peer | undefined {
    return this.#parts.transporter.peers().find((peer) => peer.id === id)
  }

  /** The member, connected now if it was not. Throws 'unreachable'. */
  async reach(id: PeerId): Promise<Peer> {
    const there = this.peer(id)
    if (there !== undefined) return there
    const underway = this.#dialing.get(id) ?? this.#dial(id)
    this.#dialing.set(id, underway)
    try {
      return await underway
    } finally {
      this.#dialing.delete(id)
    }
  }

  [Symbol.dispose](): void {
    this.#over.abort(new Error('the node is closing'))
    this.#stopWatching()
  }

  async #keep(id: PeerId, signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#parts
    let restMs: number = limits.firstRestMs
    let seenAt = clock.now()
    let said = ''
    while (!signal.aborted) {
      try {
        const peer = await this.reach(id)
        said = ''
        restMs = limits.firstRestMs
        await this.#untilNudged(id, signal, () => this.peer(id) !== peer)
        seenAt = clock.now()
      } catch (error) {
        if (signal.aborted) return
        const why = messageOf(error)
        if (why !== said) log.info('a member cannot be reached', { member: id, why })
        said = why
      }
      if (signal.aborted) return
      const isAway = clock.now() - seenAt > limits.awayAfterMs
      const resting = clock.sleep(restMs * (0.5 + random.fraction() / 2), signal).catch(() => {}) // Closing.
      await Promise.race([resting, this.#nudged(id)])
      restMs = Math.min(restMs * 2, isAway ? limits.awayRestMs : limits.longestRestMs)
    }
  }

  async #untilNudged(id: PeerId, signal: AbortSignal, isOver: () => boolean): Promise<void> {
    const left = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    while (!signal.aborted && !isOver()) await Promise.race([left, this.#nudged(id)])
  }

  #nudged(id: PeerId): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#nudges.set(id, resolve)
    return promise
  }

  /** Tries all the ways there are, each a little after the one before it; the first that leads there wins. */
  async #dial(id: PeerId): Promise<Peer> {
    const record = this.#parts.recordOf(id)
    if (record === undefined) throw new DreyError('unreachable', `nobody has told where ${id} is`)
    const won = new AbortController()
    const signal = AbortSignal.any([won.signal, this.#over.signal])
    const ways = [...this.#straight(record, signal), ...this.#around(record, signal)]
    if (ways.length === 0) {
      const how = 'it cannot be dialed, and no member that is connected relays to it'
      throw new DreyError('unreachable', `${record.name} cannot be reached: ${how}`)
    }
    try {
      return await Promise.any(ways)
    } catch (error) {
      const there = this.peer(id) // It has dialed us meanwhile.
      if (there !== undefined) return there
      const reasons =
        error instanceof AggregateError ? error.errors.map(messageOf) : [messageOf(error)]
      const why = [...new Set(reasons)].join('; ')
      throw new DreyError('unreachable', `${record.name} cannot be reached: ${why}`, {
        cause: error,
      })
    } finally {
      won.abort(new Error('another way was quicker'))
    }
  }

  #straight(record: MemberRecord, signal: AbortSignal): Promise<Peer>[] {
    const { transporter, clock } = this.#parts
    return record.addresses.map(async (address, at) => {
      if (at > 0) await clock.sleep(at * limits.staggerMs, signal)
      const peer = await transporter.connect(address, { signal })
      if (peer.id === record.id) return peer
      throw new DreyError('unreachable', `${address} is another member's`)
    })
  }

  #around(record: MemberRecord, signal: AbortSignal): Promise<Peer>[] {
    const { clock, dialThrough } = this.#parts
    if (dialThrough === undefined) return []
    const relays = record.relays.map((id) => this.peer(id)).filter((peer) => peer !== undefined)
    const afterMs = record.addresses.length > 0 ? limits.relayAfterMs : 0
    return relays.map(async (relay, at) => {
      await clock.sleep(afterMs + at * limits.staggerMs, signal)
      return dialThrough(relay, record.id, signal)
    })
  }
}
