import type { Code } from '../coding/code.ts'
import type { Membership, Seen } from '../discovery/membership.ts'
import type { Clock } from '../base/clock.ts'
import type { Circle } from '../node/circle.ts'
import { aimsOf, type Aims } from './aims.ts'
import type { MendLimits } from './limits.ts'

export interface ShapeParts {
  readonly membership: Membership
  readonly circle: Circle
  readonly clock: Clock
  /** What a person set in place of the policy. */
  readonly code?: Code
  readonly limits: MendLimits
}

/** Who stores, and what the swarm aims at therefore; and since when that has been so. */
export class Shape {
  readonly #parts: ShapeParts
  readonly #startedAt: number
  #key = ''
  #changedAt: number

  constructor(parts: ShapeParts) {
    this.#parts = parts
    this.#startedAt = parts.clock.now()
    this.#changedAt = this.#startedAt
  }

  /** Looks; says whether it has changed since it was last looked at. */
  hasChanged(): boolean {
    const { circle, clock } = this.#parts
    const members = circle
      .storing()
      .map(({ member: { id, zone, capacity } }) => [id, zone, capacity] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
    const key = JSON.stringify([members, this.aims()])
    if (key === this.#key) return false
    this.#key = key
    this.#changedAt = clock.now()
    return true
  }

  /** How long it has been as it is. A clock that was set back begins anew. */
  get ageMs(): number {
    const ageMs = this.#parts.clock.now() - this.#changedAt
    if (ageMs < 0) this.#changedAt = this.#parts.clock.now()
    return Math.max(0, ageMs)
  }

  /** Whether everyone who stores is either here or known to be away: nobody is just being missed. */
  get isCalm(): boolean {
    const { membership, clock, limits } = this.#parts
    const isYoung = clock.now() - this.#startedAt < limits.returnMs
    const isMissed = ({ state, record }: Seen) =>
      record.capacity > 0 &&
      record.stage === 'here' &&
      (state === 'suspect' || (state === 'away' && isYoung && this.#isReturning(record.at)))
    return !membership.others().some(isMissed)
  }

  aims(): Aims {
    const { membership, circle, clock, code, limits } = this.#parts
    const storing = circle.storing()
    const live = circle.live()[0]!
    // Nobody is gone for good to a node that has just come back itself.
    const others = membership
      .others()
      .map((seen) => ({ ...seen, heardAt: Math.max(seen.heardAt, this.#startedAt) }))
    return aimsOf({
      ...{ set: code, others, now: clock.now(), goneMs: limits.goneMs },
      isStoring: live.member.capacity > 0,
      live: storing.length,
    })
  }

  /** Who spoke within the last while before this node started may well be on its way. */
  #isReturning(at: number): boolean {
    return this.#startedAt - at < this.#parts.limits.goneMs
  }
}
