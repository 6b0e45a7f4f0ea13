import { formatAddress, type Address } from '../address/address.ts'
import type { Clock } from '../base/clock.ts'
import { DreyError, isDreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Membership } from '../discovery/membership.ts'
import type { Lease, LeaseSecret } from '../lease/lease.ts'
import type { Leases } from '../lease/leases.ts'
import type { LeaseWish } from '../lease/own.ts'
import type { Peer, PeerId } from '../transport/transporter.ts'
import * as protocol from './protocol.ts'
import type { Operations } from './serve.ts'

const defaults = {
  tickMs: 2_000, // Who has just come is asked so soon.
  askedEveryMs: 600_000, // Whoever ends a lease tells it as well: this is for what was lost on the way.
  answerMs: 10_000,
  secretsMax: 64 * protocol.endsMax, // In that time, of one member: somebody may make up leases that end.
} as const

export interface LeasingParts {
  readonly leases: Leases
  readonly membership: Membership
  readonly clock: Clock
  readonly log: Log
}

/**
 * How leases are made, and how it gets around that they have ended: whoever ends one tells all who are here,
 * and everybody asks those who come, and all others now and then, for what they have heard since.
 */
export class Leasing {
  readonly #parts: LeasingParts
  /** When each was asked last. Who comes again is another peer, and may have heard more meanwhile. */
  readonly #askedAt = new WeakMap<Peer, number>()
  /** How many secrets each has said, or was asked for, since `#countedFrom`. */
  readonly #said = new Map<PeerId, number>()
  #countedFrom = -Infinity

  constructor(parts: LeasingParts) {
    this.#parts = parts
  }

  /** What peers may tell and ask. */
  operations(): Operations {
    const { book } = this.#parts.leases
    return {
      end: async ({ id }, { header }) => {
        const secrets = protocol.decodeSecrets(header)
        if (!this.#mayHear(id, secrets.length)) {
          throw new DreyError(
            'busy',
            'too many leases have ended at once: they are asked for later',
          )
        }
        await book.end(secrets)
        return { header: {} }
      },
      async ends(_peer, { header }) {
        const { log, place } = protocol.decodeEndsFrom(header)
        const { secrets, next } = book.endsFrom(log === book.log ? place : 0, protocol.endsMax)
        return { header: protocol.encodeEnds({ log: book.log, place: next }, secrets) }
      },
    }
  }

  /** Covers what `work` stores with a lease of its own. When it fails, the lease ends: what it left is let go. */
  async cover<T extends { address: Address; size?: number }>(
    wish: LeaseWish,
    work: (lease: Lease) => Promise<T>,
  ): Promise<T> {
    const { own } = this.#parts.leases
    const { lease, secret } = await own.begin(wish)
    try {
      const stored = await work(lease)
      await own.finish(lease, formatAddress(stored.address), stored.size)
      return stored
    } catch (error) {
      await this.#endQuietly(secret)
      throw error
    }
  }

  /** Ends leases for good once this has resolved. Who of those that are here has heard it; the others will. */
  async end(secrets: readonly LeaseSecret[], signal: AbortSignal): Promise<string[]> {
    await this.#parts.leases.book.end(secrets)
    return this.#tell(secrets, signal)
  }

  /** Asks those who are here for what they have heard, until it is told to stop. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const peer of this.#due()) void this.#listenTo(peer, signal) // Whoever is slow holds up nobody else.
      await this.#parts.clock.sleep(defaults.tickMs, signal).catch(() => {}) // Only when the node closes.
    }
  }

  async #tell(secrets: readonly LeaseSecret[], signal: AbortSignal): Promise<string[]> {
    const told = this.#here().map(async ({ peer, name }) => {
      for (let at = 0; at < secrets.length; at += protocol.endsMax) {
        const header = protocol.encodeEnd(secrets.slice(at, at + protocol.endsMax))
        const limits = { signal, timeoutMs: defaults.answerMs }
        const answer = await peer.request({ header }, limits)
        answer.release?.()
      }
      return name
    })
    const outcomes = await Promise.allSettled(told) // Who has not heard it asks for it.
    signal.throwIfAborted()
    return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  }

  async #endQuietly(secret: LeaseSecret): Promise<void> {
    try {
      await this.#parts.leases.book.end([secret])
      void this.#tell([secret], new AbortController().signal) // Who does not hear it asks for it.
    } catch (error) {
      this.#parts.log.warn(
        `what a failed put left is let go after the next start: ${messageOf(error)}`,
      )
    }
  }

  #here(): { name: string; peer: Peer }[] {
    return this.#parts.membership
      .others()
      .flatMap(({ peer, record }) => (peer ? [{ name: record.name, peer }] : []))
  }

  /** Those who have come since they were asked, and those who were asked long ago. */
  #due(): Peer[] {
    const now = this.#parts.clock.now()
    const isDue = (peer: Peer) =>
      Math.abs(now - (this.#askedAt.get(peer) ?? -Infinity)) >= defaults.askedEveryMs
    return this.#here()
      .map(({ peer }) => peer)
      .filter(isDue)
  }

  async #listenTo(peer: Peer, signal: AbortSignal): Promise<void> {
    const { clock, leases, log } = this.#parts
    const { book } = leases
    this.#askedAt.set(peer, clock.now())
    try {
      while (this.#mayHear(peer.id, protocol.endsMax)) {
        const heard = await this.#ask(peer, signal)
        if (heard.secrets.length === 0) return
        await book.end(heard.secrets)
        await book.noteHeard(peer.id, heard)
      }
    } catch (error) {
      if (signal.aborted) return
      const member = peer.id
      if (isDreyError(error)) {
        this.#askedAt.delete(peer)
        log.debug(`a member did not say which leases have ended: ${messageOf(error)}`, { member })
      } else log.error('asking for leases that ended failed, and goes on', { member, error })
    }
  }

  /** Counts that so many secrets are heard of a member, unless they are more than anybody has to say. */
  #mayHear(member: PeerId, count: number): boolean {
    const now = this.#parts.clock.now()
    if (Math.abs(now - this.#countedFrom) >= defaults.askedEveryMs) {
      this.#said.clear()
      this.#countedFrom = now
    }
    const said = (this.#said.get(member) ?? 0) + count
    if (said > defaults.secretsMax) return false
    this.#said.set(member, said)
    return true
  }

  async #ask(peer: Peer, signal: AbortSignal): Promise<ReturnType<typeof protocol.decodeEnds>> {
    const header = protocol.encodeEndsFrom(this.#parts.leases.book.heardFrom(peer.id))
    const answer = await peer.request({ header }, { signal, timeoutMs: defaults.answerMs })
    answer.release?.()
    return protocol.decodeEnds(answer.header)
  }
}
