import type { Address } from '../address/address.ts'
import { timeLimit, type Clock } from '../base/clock.ts'
import { isDreyError } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Hints } from '../discovery/hints.ts'
import type { Membership } from '../discovery/membership.ts'
import type { Transporter } from '../transport/transporter.ts'
import type { Surveyed } from './holder.ts'
import type { Limits } from './limits.ts'
import { Members } from './members.ts'
import { placementOrder } from './placement.ts'

export interface CircleParts {
  readonly self: Surveyed
  readonly transporter: Transporter
  readonly membership: Membership
  readonly hints?: Hints
  readonly limits: Limits
  readonly clock: Clock
  readonly log: Log
}

const nearestCount = 20 // Candidates for a block where nobody knows everyone: design, section 5.
const hintsMax = 32 // Followed for one question; each may cost a failed handshake.

/** Those who could hold a block: computed from its address, known to this node, or hinted at by the DHT. */
export class Circle {
  readonly #parts: CircleParts
  readonly #members: Members

  constructor(parts: CircleParts) {
    this.#parts = parts
    this.#members = new Members(parts.membership, parts.limits)
  }

  /** Everyone who can be asked now, this node first. */
  live(): Surveyed[] {
    return [this.#parts.self, ...this.#members.holders()]
  }

  /** Those of them who take shards. */
  storing(): Surveyed[] {
    return this.live().filter(({ member }) => member.capacity > 0)
  }

  /** Names of members that store shards and cannot be asked now. */
  absent(): string[] {
    return this.#parts.membership
      .others()
      .filter(
        ({ state, record }) => (state === 'suspect' || state === 'away') && record.capacity > 0,
      )
      .map(({ record }) => record.name)
      .toSorted()
  }

  /** Who should hold a block's shards, in their order. */
  async order(block: Address, signal: AbortSignal): Promise<Surveyed[]> {
    const storing = await this.#candidates(block, signal)
    const members = storing.map((holder) => ({ holder, ...holder.member }))
    return placementOrder(block, members).map(({ holder }) => holder)
  }

  /** The same, and after them everyone else who could still have some of it. */
  async everyone(block: Address, signal: AbortSignal): Promise<Surveyed[]> {
    const order = new Set(await this.order(block, signal))
    return [...order, ...this.live().filter((holder) => !order.has(holder))]
  }

  /** Connects to whoever the DHT says has a published root; says how many are new here. */
  async follow(root: Address, signal: AbortSignal): Promise<Surveyed[]> {
    const { hints, limits, clock } = this.#parts
    if (hints === undefined) return []
    using limit = timeLimit(clock, limits.hintsMs, signal)
    const soon = limit.signal
    const met: Promise<string | undefined>[] = []
    try {
      for await (const address of hints.holders(root, { signal: soon })) {
        met.push(this.#meet(address, soon))
        if (met.length >= hintsMax) break
      }
    } catch (error) {
      signal.throwIfAborted()
      if (!soon.aborted) throw error // Otherwise the time is up: what has come is all there is.
    }
    const ids = new Set(await Promise.all(met))
    return this.live().filter(({ member }) => ids.has(member.id))
  }

  /** In a swarm too large to know everyone, those closest to the address: whoever asks finds the same. */
  async #candidates(block: Address, signal: AbortSignal): Promise<Surveyed[]> {
    const { hints, membership, limits, clock } = this.#parts
    if (!membership.isPartial || hints === undefined) return this.storing()
    using limit = timeLimit(clock, limits.hintsMs, signal)
    const soon = limit.signal
    const near = await hints.nearest(block, { count: nearestCount, signal: soon })
    const known = new Set(this.live().map(({ member }) => member.id))
    await Promise.all(
      near.filter(({ id }) => !known.has(id)).map(({ address }) => this.#meet(address, soon)),
    )
    const ids = new Set(near.map(({ id }) => id))
    const found = this.storing().filter(({ member }) => ids.has(member.id))
    return found.length > 0 ? found : this.storing()
  }

  /** Who is there, once it has said who it is; `undefined` when it is nobody of ours. */
  async #meet(address: string, signal: AbortSignal): Promise<string | undefined> {
    const { transporter, membership, log } = this.#parts
    try {
      const peer = await transporter.connect(address, { signal })
      await membership.compareWith(peer)
      return peer.id
    } catch (error) {
      // A hint that was wrong, or is old: that is what hints are.
      if (isDreyError(error)) log.debug('a hint led nowhere', { address, why: error.message })
      return undefined
    }
  }
}
