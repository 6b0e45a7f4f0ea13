import { formatAddress, type Address } from '../address/address.ts'
import type { Clock } from '../base/clock.ts'
import { DreyError } from '../base/error.ts'
import { Turns } from '../store/turns.ts'
import type { Database } from './database.ts'
import { digestOfLeases, leaseIdOf, type Lease, type LeaseSecret } from './lease.ts'
import {
  adopted,
  cover,
  coveringRows,
  findBlock,
  insertBlock,
  leaseIdsOn,
  leasesOn,
} from './rows.ts'
import { removeBlock, resize, uncover, type BlockRow } from './rows.ts'

const wantedAgain = 'UPDATE block SET since = NULL WHERE row = ? AND since IS NOT NULL'
const stepMaxMs = 600_000 // However far a clock is set: the book's own time goes on by so much at once.

export interface LeaseBookOptions {
  readonly clock: Clock
  /** Bytes that one owner may have here. */
  readonly ownerQuota?: number
}

/**
 * - `wanted`: a lease covers it, or nobody can know that none does
 * - `unwanted`: the leases that covered it have ended
 * - `unknown`: nobody has ever said anything of it
 */
export type Wanted = 'wanted' | 'unwanted' | 'unknown'

/** While it lasts, its block is not let go. */
export interface Claim extends Disposable {
  /** Whether nothing else of the block was here, or has been claimed meanwhile: else it is to be counted anew. */
  readonly isOnly: boolean
}

/** Secrets that were told, and where the next ones begin. */
export interface Ends {
  readonly secrets: readonly LeaseSecret[]
  readonly next: number
}

/**
 * Which leases cover which blocks of one store.
 * - when `claim` has resolved, its leases survive a crash of the process, and after `durable` one of the machine;
 * - a lease whose secret was told stays ended, whoever sends it again;
 * - a block is not let go while a lease covers it: `letGo` and `claim` of one block take turns;
 * - a block of which the book never heard is wanted when the book is younger than the store (`adopts`).
 * What its leases keep is not known to it: that is the store's.
 */
export class LeaseBook {
  readonly #db: Database
  readonly #clock: Clock
  readonly #ownerQuota: number
  /** What covers and what lets go of one block, one after the other. */
  readonly #turns = new Turns()
  /** The claims that last on each block. */
  readonly #claims = new Map<string, Set<{ isOnly: boolean }>>()
  #seenAt: number

  constructor(db: Database, { clock, ownerQuota = Infinity }: LeaseBookOptions) {
    this.#db = db
    this.#clock = clock
    this.#ownerQuota = ownerQuota
    this.#seenAt = clock.now()
  }

  /** Names the list of ended leases: another book has another one. */
  get log(): string {
    return String(this.#about('log'))
  }

  get adopts(): boolean {
    return this.#about('adopts') === 1
  }

  /** The book's own time: how long it was open while anything waited. No clock that is set makes it jump. */
  get time(): number {
    return Number(this.#about('time'))
  }

  /** Lets the book's own time go on, while it counts, by what has passed since it was asked last. */
  async tick(): Promise<void> {
    const now = this.#clock.now()
    const passed = Math.min(Math.max(0, now - this.#seenAt), stepMaxMs)
    this.#seenAt = now
    if (passed === 0 || !this.#isWaiting()) return
    await this.#db.write(() => this.#say('time', this.time + passed))
  }

  /**
   * Covers a block with leases, for shards of so many more bytes that are about to come. Those that have
   * ended are left out; without any it is `adopted` if nobody else speaks for it. Throws 'full' when
   * none of their owners may have so much more here; then nothing has changed.
   */
  async claim(block: Address, leases: readonly Lease[], bytes = 0): Promise<Claim> {
    return this.#turn(block, async () => {
      const before = await this.#db.write(() => this.#claim(block, leases, bytes))
      return this.#hold(formatAddress(block), before === 0)
    })
  }

  /** Resolves when everything that was said before survives a power cut. */
  durable(): Promise<void> {
    return this.#db.durable()
  }

  /** So many bytes of a block are kept here; with none its leases are of no use here. */
  async settle(block: Address, bytesKept: () => Promise<number>): Promise<void> {
    await this.#turn(block, async () => {
      const bytes = await bytesKept()
      await this.#db.write(() => {
        const row = findBlock(this.#db, block)
        if (row === undefined) return
        if (bytes > 0 || this.#claims.has(formatAddress(block))) resize(this.#db, row, bytes)
        else removeBlock(this.#db, row)
      })
    })
  }

  /**
   * What goes along when shards of a block go to others: its leases, or none when it is adopted, there as here.
   * `undefined` when nobody wants it: then nothing is to go, or it would be adopted.
   */
  carried(block: Address): Lease[] | undefined {
    return this.wants(block) === 'wanted' ? this.of(block) : undefined
  }

  /** The leases that cover a block, as another holder of it should have them. */
  of(block: Address): Lease[] {
    const row = findBlock(this.#db, block)
    return row ? leasesOn(this.#db, row).filter(({ id }) => id !== adopted.id) : []
  }

  /** Two holders of a block that have the same leases for it have the same number. */
  digestOf(block: Address): number {
    return digestOfLeases(leaseIdsOn(this.#db, block).filter((id) => id !== adopted.id))
  }

  wants(block: Address): Wanted {
    const row = findBlock(this.#db, block)
    if (row === undefined) return this.adopts ? 'wanted' : 'unknown'
    return leasesOn(this.#db, row).length > 0 ? 'wanted' : 'unwanted'
  }

  /** Notes that a block is here of which nobody ever said anything: from now on it waits to be let go. */
  async noteOrphan(block: Address): Promise<void> {
    await this.#turn(block, () =>
      this.#db.write(() => {
        if (findBlock(this.#db, block) === undefined)
          insertBlock(this.#db, block, { bytes: 0, since: this.time })
      }),
    )
  }

  /** Ends leases for good, once this has resolved; how many of them it had not heard of. */
  async end(secrets: readonly LeaseSecret[]): Promise<number> {
    const count = await this.#db.write(() => secrets.filter((each) => this.#end(each)).length)
    if (count > 0) await this.#db.durable()
    return count
  }

  /** Leases that have ended, in the order in which this book heard of it, from one place on. */
  endsFrom(place: number, max: number): Ends {
    const sql = 'SELECT row, secret FROM ended WHERE row > ? ORDER BY row LIMIT ?'
    const rows = this.#db.all(sql, place, max) as unknown as { row: number; secret: Uint8Array }[]
    return { secrets: rows.map(({ secret }) => secret), next: rows.at(-1)?.row ?? place }
  }

  /** Which list of ended leases of a member was read here, and how far. */
  heardFrom(member: string): { log: string; place: number } {
    const sql = 'SELECT log, row AS place FROM heard WHERE member = ?'
    const heard = this.#db.get(sql, member) as { log: string; place: number } | undefined
    return heard ?? { log: '', place: 0 }
  }

  async noteHeard(member: string, { log, place }: { log: string; place: number }): Promise<void> {
    const sql = 'INSERT OR REPLACE INTO heard (member, log, row) VALUES (?, ?, ?)'
    await this.#db.write(() => this.#db.run(sql, member, log, place))
  }

  /**
   * Does `work`, which is told how many bytes the block has here, while nobody can claim it, if nobody has wanted
   * it for so long; then it has gone from the book.
   */
  async letGo(
    block: Address,
    graceMs: number,
    work: (bytes: number) => Promise<void>,
  ): Promise<boolean> {
    return this.#turn(block, async () => {
      const row = findBlock(this.#db, block)
      const isDue = row !== undefined && row.since !== null && row.since + graceMs <= this.time
      const isHeld = this.#claims.has(formatAddress(block)) || this.wants(block) === 'wanted'
      if (!isDue || isHeld) return false
      await work(row.bytes)
      await this.#db.write(() => removeBlock(this.#db, row))
      return true
    })
  }

  #turn<T>(block: Address, work: () => Promise<T>): Promise<T> {
    return this.#turns.take(formatAddress(block), work)
  }

  #isWaiting(): boolean {
    const waits = 'SELECT 1 FROM block WHERE since IS NOT NULL LIMIT 1'
    const expires = 'SELECT 1 FROM lease WHERE expires > 0 LIMIT 1'
    return this.#db.get(waits) !== undefined || this.#db.get(expires) !== undefined
  }

  #hold(name: string, isFirst: boolean): Claim {
    const others = this.#claims.get(name) ?? new Set()
    for (const other of others) other.isOnly = false
    const claim = { isOnly: isFirst && others.size === 0, [Symbol.dispose]: () => end() }
    const end = () => {
      others.delete(claim)
      if (others.size === 0 && this.#claims.get(name) === others) this.#claims.delete(name)
    }
    this.#claims.set(name, others.add(claim))
    return claim
  }

  /** How many bytes of the block were counted before. */
  #claim(block: Address, leases: readonly Lease[], bytes: number): number {
    const db = this.#db
    const now = this.#clock.now()
    const isLive = ({ id, expires = Infinity }: Lease) => expires > now && !this.#isVoid(id)
    const live = leases.filter(isLive)
    const seen = findBlock(db, block)
    const isAdopted = seen
      ? leases.length === 0 && coveringRows(db, seen).length === 0
      : leases.length === 0 || (live.length === 0 && bytes === 0 && this.adopts) // It was here before the book.
    const covering = isAdopted ? [adopted] : live
    const since = covering.length > 0 ? null : this.time
    const row = seen ?? insertBlock(db, block, { bytes, since })
    for (const lease of covering) cover(db, row, lease)
    if (seen && live.length > 0) this.#speakFor(seen)
    if (seen && covering.length > 0) db.run(wantedAgain, seen.row)
    if (seen) resize(db, seen, seen.bytes + bytes)
    if (bytes > 0) this.#checkQuota(live)
    return seen?.bytes ?? 0
  }

  /** Who has it adopted does not want it any more: somebody does who can say when not. */
  #speakFor(row: BlockRow): void {
    const sql = 'SELECT row FROM lease WHERE id = ?'
    const lease = this.#db.get(sql, adopted.id)?.row as number | undefined
    if (lease !== undefined) uncover(this.#db, row, lease)
  }

  #checkQuota(leases: readonly Lease[]): void {
    if (leases.length === 0 || this.#ownerQuota === Infinity) return
    if (leases.some(({ owner }) => this.bytesOf(owner) <= this.#ownerQuota)) return
    throw new DreyError(
      'full',
      `this node keeps at most ${this.#ownerQuota} bytes for one member: remove what is not needed ` +
        'any more, or raise "ownerQuota" in its config',
    )
  }

  /** Bytes of the blocks that an owner's leases cover here. */
  bytesOf(owner: string): number {
    return (this.#db.get('SELECT bytes FROM owner WHERE id = ?', owner)?.bytes as number) ?? 0
  }

  #end(secret: LeaseSecret): boolean {
    const id = leaseIdOf(secret)
    if (this.#hasEnded(id)) return false
    this.#db.run('INSERT INTO ended (id, secret) VALUES (?, ?)', id, secret)
    this.#db.run('UPDATE lease SET ended = 1 WHERE id = ?', id)
    this.#db.run('DELETE FROM own WHERE id = ?', id)
    return true
  }

  /** It has ended, or somebody made it up to pass for none. */
  #isVoid(id: string): boolean {
    return id === adopted.id || this.#hasEnded(id)
  }

  #hasEnded(id: string): boolean {
    return this.#db.get('SELECT 1 FROM ended WHERE id = ?', id) !== undefined
  }

  #about(name: string): unknown {
    return this.#db.get('SELECT value FROM about WHERE name = ?', name)?.value
  }

  #say(name: string, value: string | number): void {
    this.#db.run('INSERT OR REPLACE INTO about (name, value) VALUES (?, ?)', name, value)
  }
}
