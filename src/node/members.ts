import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Peer, PeerId, Transporter } from '../transport/transporter.ts'
import type { Holder } from './holder.ts'
import type { Limits } from './limits.ts'
import { decodeHello, encodeHello, type Hello } from './protocol.ts'
import { RemoteHolder } from './remote.ts'

export interface MembersParts {
  readonly transporter: Transporter
  readonly hello: () => Promise<Hello>
  readonly limits: Limits
  readonly clock: Clock
  readonly log: Log
}

const refreshMs = 30_000 // Free space and new members' addresses are told this often.

const introduceMs = 100 // Whoever comes at the same time is introduced in one go.

/** The members that are live now: connected, and have said hello. */
export class Members implements Disposable {
  readonly #parts: MembersParts
  readonly #live = new Map<PeerId, Holder>()
  readonly #known = new Set<string>()
  readonly #stopWatching: () => void
  readonly #refreshing: NodeJS.Timeout
  #introducing: NodeJS.Timeout | undefined
  #changed = Promise.withResolvers<void>()

  constructor(parts: MembersParts) {
    this.#parts = parts
    const { transporter } = parts
    this.#stopWatching = transporter.watch(({ type, peer, reason }) => {
      if (type === 'up') void this.#greet(peer)
      else this.#forget(peer, reason)
    })
    this.#greetAll()
    this.#refreshing = setInterval(() => this.#greetAll(), refreshMs)
    this.#refreshing.unref()
  }

  holders(): Holder[] {
    return [...this.#live.values()]
  }

  /** Connects to whoever others are connected to. */
  meet(addresses: readonly string[]): void {
    const own = this.#parts.transporter.address
    for (const address of addresses) if (address !== own) this.keepConnected(address)
  }

  /** Connects to a member's address now and whenever the connection is lost. */
  keepConnected(address: string): void {
    if (this.#known.has(address)) return
    this.#known.add(address)
    this.#parts.transporter.keepConnected(address)
  }

  /** Resolves when every known address has a live member, or the time is up. */
  async settled(timeoutMs: number): Promise<void> {
    const { clock } = this.#parts
    const until = clock.now() + timeoutMs
    while (this.#live.size < this.#known.size && clock.now() < until) {
      const waiting = new AbortController()
      const over = clock.sleep(until - clock.now(), waiting.signal).catch(() => {}) // Not needed.
      await Promise.race([this.#changed.promise, over])
      waiting.abort()
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#refreshing)
    clearTimeout(this.#introducing)
    this.#stopWatching()
  }

  /** Asks a member who it is, and whom it knows. */
  async #greet(peer: Peer): Promise<void> {
    const { hello, limits, log, transporter } = this.#parts
    try {
      const header = encodeHello(await hello())
      const answer = await peer.request({ header }, { timeoutMs: limits.answerMs })
      answer.release?.()
      const { name, capacity, free, address, peers } = decodeHello(answer.header)
      const isNew = !this.#live.has(peer.id)
      const member = { id: peer.id, role: peer.role, name, capacity, free, address }
      if (!transporter.peers().includes(peer)) return // It left meanwhile.
      this.#live.set(peer.id, new RemoteHolder(peer, member, limits))
      if (isNew) log.info(`${name} is here`, { member: peer.id, address: address || peer.address })
      this.meet(peers)
      if (!isNew) return
      this.#tell()
      this.#introduceSoon()
    } catch (error) {
      log.warn(`a member did not say hello: ${messageOf(error)}`, { member: peer.id })
    }
  }

  #greetAll(): void {
    for (const peer of this.#parts.transporter.peers()) void this.#greet(peer)
  }

  /** Members that came together are made known to each other: a hello says whom one is connected to. */
  #introduceSoon(): void {
    this.#introducing ??= setTimeout(() => {
      this.#introducing = undefined
      this.#greetAll()
    }, introduceMs).unref()
  }

  #forget(peer: Peer, reason: string | undefined): void {
    const holder = this.#live.get(peer.id)
    if (holder === undefined || !this.#live.delete(peer.id)) return
    this.#parts.log.info(`${holder.member.name} is gone: ${reason}`, { member: peer.id })
    this.#tell()
  }

  #tell(): void {
    const { resolve } = this.#changed
    this.#changed = Promise.withResolvers<void>()
    resolve()
  }
}
