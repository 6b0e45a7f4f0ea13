import type { Clock } from '../base/clock.ts'
import type { Database } from './database.ts'
import { leaseIdOf, type LeaseSecret } from './lease.ts'
import type { OwnLease } from './own.ts'

/** A blob that a member stored or keeps, with what ends its lease. Times are milliseconds since 1970. */
export interface Listed {
  readonly secret: LeaseSecret
  readonly address: string
  readonly made: number
  readonly expires: number | null
  readonly name: string | null
  readonly size: number | null
}

const pageRows = 256

/** The list of what this node stored, as it is told to others and taken over from others. */
export class OwnList {
  readonly #db: Database
  readonly #clock: Clock

  constructor(db: Database, clock: Clock) {
    this.#db = db
    this.#clock = clock
  }

  /** How often it has changed. */
  get changes(): number {
    return this.#about('changes')
  }

  /** Until which change others have been told. */
  get told(): number {
    return this.#about('told')
  }

  async markTold(changes: number): Promise<void> {
    const sql = "UPDATE about SET value = ? WHERE name = 'told'"
    await this.#db.write(() => this.#db.run(sql, changes))
  }

  get isEmpty(): boolean {
    return this.entries().next().done ?? false
  }

  /** All that is in it and has not expired, the oldest first; what changes meanwhile may be in it or not. */
  *entries(): Generator<Listed> {
    const sql = `SELECT id, secret, made, expires, name, root, size FROM own
      WHERE root IS NOT NULL AND catalog = 0 AND (made, id) > (?, ?) AND (expires = 0 OR expires > ?)
      ORDER BY made, id LIMIT ${pageRows}`
    let after: readonly [number, string] = [-1, '']
    for (;;) {
      const rows = this.#db.all(sql, ...after, this.#clock.now())
      for (const { id, secret, made, expires, name, root, size } of rows as unknown as Row[]) {
        yield { secret, made, expires: expires === 0 ? null : expires, name, address: root, size }
        after = [made, id]
      }
      if (rows.length < pageRows) return
    }
  }

  /** Takes over what somebody else stored, as if it was stored here; how much of it was not in the list. */
  async adopt(entries: readonly Listed[]): Promise<number> {
    const sql = `INSERT OR IGNORE INTO own (id, secret, made, expires, name, root, size)
      SELECT ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM ended WHERE id = ?)`
    const adoptOne = ({ secret, made, expires, name, address, size }: Listed) => {
      const id = leaseIdOf(secret)
      return this.#db.run(sql, id, secret, made, expires ?? 0, name, address, size, id)
    }
    const count = await this.#db.write(() => entries.reduce((sum, each) => sum + adoptOne(each), 0))
    await this.#db.durable()
    return count
  }

  /** The leases on the list itself, as it was told to others: the last counts. */
  catalogs(): (OwnLease & { readonly address: string })[] {
    const sql = `SELECT id, secret, made, root AS address FROM own
      WHERE catalog = 1 AND root IS NOT NULL ORDER BY made, id`
    return this.#db.all(sql) as unknown as (OwnLease & { address: string })[]
  }

  #about(name: string): number {
    return Number(this.#db.get('SELECT value FROM about WHERE name = ?', name)?.value ?? 0)
  }
}

interface Row extends Omit<Listed, 'address' | 'expires'> {
  readonly id: string
  readonly root: string
  readonly expires: number
}
