import { base32 } from 'multiformats/bases/base32'
import { between, type Random } from '../base/random.ts'
import type { PeerId } from '../transport/transporter.ts'
import type { MemberRecord } from './record.ts'

/** When each member last spoke, as this node knows: what two nodes compare. */
export type Digest = readonly (readonly [id: PeerId, at: number])[]

export const rosterMax = 1_024 // About 2 KB each, certificate and all: the membership view.

const strangersMax = 16 // That a full roster hears of at a time.
const silentMs = 3_600_000
const agoMs = 30 * 24 * 3_600_000 // A member that left or was silent for so long is forgotten.

export interface RosterParts {
  /** Members that are known at a time. */
  readonly max: number
  /** Whoever is connected is never forgotten, even when it is full. */
  readonly isConnected: (id: PeerId) => boolean
  readonly random: Random
}

/**
 * What members say of themselves, the newest of each. Only what a member signed gets in, so whoever hands
 * it on can hold back, and not lie. When it is full, those that have been silent longest make room, then
 * those farthest from this node, by XOR of their ids: others know them.
 */
export class Roster {
  readonly #own: PeerId
  readonly #records = new Map<PeerId, MemberRecord>()
  readonly #parts: RosterParts

  constructor(own: PeerId, parts: RosterParts) {
    this.#own = own
    this.#parts = parts
  }

  get size(): number {
    return this.#records.size
  }

  /** Whether there was no room for all. */
  get isFull(): boolean {
    return this.#records.size >= this.#parts.max
  }

  get(id: PeerId): MemberRecord | undefined {
    return this.#records.get(id)
  }

  all(): MemberRecord[] {
    return [...this.#records.values()]
  }

  /** Takes a record in; says whether it was new or newer. */
  learn(record: MemberRecord): 'new' | 'newer' | 'known' {
    const known = this.#records.get(record.id)
    if (known !== undefined && known.at >= record.at) return 'known'
    this.#records.set(record.id, record)
    if (known !== undefined) return 'newer'
    if (this.#records.size > this.#parts.max) this.#makeRoom()
    return this.#records.has(record.id) ? 'new' : 'known'
  }

  forget(id: PeerId): void {
    this.#records.delete(id)
  }

  /** Forgets whoever has been gone for long; not those who are there, whatever this node's clock says. */
  sweep(now: number): void {
    for (const { id, at } of this.all()) {
      const isHere = id === this.#own || this.#parts.isConnected(id)
      if (!isHere && now - at > agoMs) this.#records.delete(id)
    }
  }

  digest(): Digest {
    return this.all().map(({ id, at }) => [id, at] as const)
  }

  /**
   * What this node knows better than who has this digest, and of whom that one knows more. Somebody whose
   * roster is full is told of few that it does not know, and somebody full asks for few: else the two would
   * hand each other again and again what neither keeps.
   */
  compare(digest: Digest, isFull: boolean): { newer: MemberRecord[]; wanted: PeerId[] } {
    const theirs = new Map(digest)
    const newer = this.all().filter(({ id, at }) => at > (theirs.get(id) ?? -1))
    const wanted = digest
      .filter(([id, at]) => at > (this.#records.get(id)?.at ?? -1))
      .map(([id]) => id)
    return {
      newer: isFull ? this.#few(newer, ({ id }) => theirs.has(id)) : newer,
      wanted: this.isFull ? this.#few(wanted, (id) => this.#records.has(id)) : wanted,
    }
  }

  /** Those that are known, and some of the others: not always the same. */
  #few<T>(all: readonly T[], isKnown: (item: T) => boolean): T[] {
    const others = all.filter((item) => !isKnown(item))
    const from = between(this.#parts.random, 0, Math.max(1, others.length - strangersMax + 1))
    return [...all.filter(isKnown), ...others.slice(from, from + strangersMax)]
  }

  #makeRoom(): void {
    const newest = Math.max(...this.all().map(({ at }) => at))
    const others = this.all().filter(({ id }) => id !== this.#own && !this.#parts.isConnected(id))
    const silent = others.filter(({ at }) => newest - at > silentMs).sort((a, b) => a.at - b.at)
    const [leaving] =
      silent.length > 0 ? silent : others.sort((a, b) => compareDistance(this.#own, b.id, a.id))
    if (leaving !== undefined) this.#records.delete(leaving.id)
  }
}

/** Below zero when `a` is nearer to `to` than `b` is, by XOR of their ids (Maymounkov and Mazières 2002). */
export function compareDistance(to: PeerId, a: PeerId, b: PeerId): number {
  const [target, left, right] = [to, a, b].map(bitsOf) as [Uint8Array, Uint8Array, Uint8Array]
  for (const [at, byte] of target.entries()) {
    const difference = ((left[at] ?? 0) ^ byte) - ((right[at] ?? 0) ^ byte)
    if (difference !== 0) return difference
  }
  return 0
}

function bitsOf(id: PeerId): Uint8Array {
  return /^[a-z2-7]{32}$/.test(id) ? base32.baseDecode(id) : new Uint8Array(Buffer.from(id))
}
