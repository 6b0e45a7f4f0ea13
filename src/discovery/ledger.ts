import type { Clock } from '../base/clock.ts'
import { DreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { Rarely } from '../base/rarely.ts'
import type { Vouched } from '../transport/door.ts'
import type { Notary } from '../transport/notary.ts'
import type { PeerId } from '../transport/transporter.ts'
import { readEviction, type Eviction } from './eviction.ts'
import { Evictions } from './evictions.ts'
import { fitting, type Exchange } from './exchange.ts'
import { readRecord, recordLimits, signRecord, type MemberRecord, type Saying } from './record.ts'
import { Roster } from './roster.ts'

export interface LedgerParts {
  readonly notary: Notary
  readonly clock: Clock
  readonly log: Log
  readonly random: Random
  readonly membersMax: number
  readonly isConnected: (id: PeerId) => boolean
}

/** What was new in what somebody said. */
export interface News {
  /** Members of whom there is a newer record, those who are new or have come to another stage, and those
   * who have other addresses than before. */
  readonly heard: readonly PeerId[]
  readonly fresh: readonly MemberRecord[]
  readonly moved: readonly PeerId[]
  readonly evicted: readonly Eviction[]
  /** Somebody has a newer word of this node than it has itself. */
  readonly outdone: boolean
}

/** What this node knows of the swarm's members. Whatever comes in is checked by itself, whoever brings it. */
export class Ledger {
  readonly roster: Roster
  readonly evictions = new Evictions()
  readonly #parts: LedgerParts
  readonly #rarely: Rarely
  /** When each member was last heard, by this node's clock. */
  readonly #heard = new Map<PeerId, number>()
  #saying: Saying

  constructor(parts: LedgerParts, saying: Omit<Saying, 'at'>) {
    this.#parts = parts
    this.#rarely = new Rarely(parts.clock)
    this.roster = new Roster(parts.notary.id, { ...parts, max: parts.membersMax })
    this.#saying = { ...saying, at: 0 }
    this.sign({})
  }

  /** This node's own record. */
  get own(): MemberRecord {
    return this.roster.get(this.#parts.notary.id)!
  }

  /** Who was heard later than it is now, since the clock was set back, is taken for heard now. */
  heardAt(id: PeerId): number {
    if ((this.#heard.get(id) ?? 0) > this.#parts.clock.now()) this.hear(id)
    return this.#heard.get(id) ?? 0
  }

  hear(id: PeerId): void {
    this.#heard.set(id, this.#parts.clock.now())
  }

  /**
   * Says something new of this node, or the same again: also when its certificate has expired, which others
   * will tell it. What it said before its clock was set back by much counts no more: they refused that.
   */
  sign(changes: Partial<Saying>): void {
    const { notary, clock } = this.#parts
    const isAhead = this.#saying.at > clock.now() + recordLimits.aheadMs
    const at = isAhead ? clock.now() : Math.max(clock.now(), this.#saying.at + 1)
    this.#saying = { ...this.#saying, ...changes, at }
    if (isAhead) this.roster.forget(notary.id)
    this.roster.learn(readRecord(notary, signRecord(notary, this.#saying), at, 0))
  }

  /** Why a member is not wanted although its certificate holds, or `undefined`. */
  whyNot(member: Vouched): string | undefined {
    return this.evictions.whyNot(member)
  }

  /** Whom a member has admitted, itself or through others, and the keys with which they admit. */
  sparedOf(subject: PeerId): PeerId[] {
    return this.roster.all().flatMap((record) => {
      const at = record.issuers.findIndex(({ member }) => member === subject)
      const stays = at >= 0 && record.id !== subject && this.whyNot(record) === undefined
      return stays ? [record.id, ...record.issuers.slice(0, at).map(({ key }) => key)] : []
    })
  }

  /** Forgets whoever has been gone for long. */
  sweep(): void {
    this.roster.sweep(this.#parts.clock.now())
    for (const id of this.#heard.keys()) if (!this.roster.get(id)) this.#heard.delete(id)
  }

  /** Forgets members that are not wanted any more; says who they were. */
  forgetEvicted(): MemberRecord[] {
    const unwanted = this.roster
      .all()
      .filter((record) => record.id !== this.#parts.notary.id && this.whyNot(record) !== undefined)
    for (const { id } of unwanted) this.roster.forget(id)
    return unwanted
  }

  /** What the other side should know, going by what it said. */
  reply({ digest, full = false, sum, wanted = [] }: Exchange): Exchange {
    const compared = digest && this.roster.compare(digest, full)
    const asked = wanted.map((id) => this.roster.get(id)).filter((record) => record !== undefined)
    const records = [...fitting([...(compared?.newer ?? []), ...asked])]
    const differs = sum !== undefined && sum !== this.evictions.sum
    const evictions = differs ? [...fitting(this.evictions.all())] : []
    const some = <T>(items: readonly T[]) => (items.length > 0 ? items : undefined)
    return {
      records: some(records.map(({ bytes }) => bytes)),
      evictions: some(evictions.map(({ bytes }) => bytes)),
      wanted: some(compared?.wanted ?? []),
      sum: differs && digest !== undefined ? this.evictions.sum : undefined, // Asks for theirs.
    }
  }

  /** Takes in what somebody handed on. What does not hold is left out, and logged. */
  learn(said: Exchange, from: string): News {
    const evicted: Eviction[] = []
    for (const bytes of said.evictions ?? []) {
      this.#attempt(from, 'an eviction', () => {
        const eviction = readEviction(this.#parts.notary, bytes)
        if (this.evictions.add(eviction)) evicted.push(eviction)
      })
    }
    const news = { heard: [] as PeerId[], fresh: [] as MemberRecord[], moved: [] as PeerId[] }
    let outdone = false
    for (const bytes of said.records ?? []) {
      this.#attempt(from, 'a record', () => {
        const record = readRecord(this.#parts.notary, bytes, this.#parts.clock.now())
        if (record.id === this.#parts.notary.id) outdone = this.#isOutdoneBy(record) || outdone
        else this.#take(record, news)
      })
    }
    return { ...news, evicted, outdone }
  }

  #take(record: MemberRecord, news: { heard: PeerId[]; fresh: MemberRecord[]; moved: PeerId[] }) {
    const why = this.whyNot(record)
    if (why !== undefined) throw new DreyError('not-a-member', why)
    const before = this.roster.get(record.id)
    if (this.roster.learn(record) === 'known') return
    const now = this.#parts.clock.now()
    this.#heard.set(record.id, Math.max(this.heardAt(record.id), Math.min(now, record.at)))
    news.heard.push(record.id)
    if (before?.stage !== record.stage) news.fresh.push(record)
    if (String(before?.addresses) !== String(record.addresses)) news.moved.push(record.id)
  }

  /** From before this node's clock was set back, say. */
  #isOutdoneBy({ at }: MemberRecord): boolean {
    if (at <= this.#saying.at) return false
    this.#saying = { ...this.#saying, at }
    return true
  }

  #attempt(from: string, what: string, work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#rarely.say(from, (held) => {
        this.#parts.log.warn(`refused ${what}`, { from, why: messageOf(error), held })
      })
    }
  }
}
