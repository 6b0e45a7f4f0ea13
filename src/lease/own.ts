import type { Clock } from '../base/clock.ts'
import type { Database } from './database.ts'
import { newLease, type Lease, type LeaseSecret } from './lease.ts'

/** A lease that this node made for a blob. */
export interface OwnLease {
  readonly id: string
  readonly secret: LeaseSecret
  readonly made: number
}

/** The leases that this node made, with what ends them, and for which blobs. */
export class OwnLeases {
  readonly #db: Database
  readonly #clock: Clock
  readonly #owner: string

  constructor(db: Database, { clock, owner }: { clock: Clock; owner: string }) {
    this.#db = db
    this.#clock = clock
    this.#owner = owner
  }

  /** Makes a lease. It is noted here before anybody is told of it: whatever happens, it can be ended. */
  async begin({ forMs }: { forMs?: number } = {}): Promise<{ lease: Lease; secret: LeaseSecret }> {
    const made = this.#clock.now()
    const expires = forMs === undefined ? {} : { expires: made + forMs }
    const begun = newLease({ owner: this.#owner, made, ...expires })
    const sql = 'INSERT INTO own (id, secret, made) VALUES (?, ?, ?)'
    await this.#db.write(() => this.#db.run(sql, begun.lease.id, begun.secret, made))
    await this.#db.durable()
    return begun
  }

  /** It covers a whole blob: from now on `of` finds it. */
  async finish(lease: Lease, root: string, size = 0): Promise<void> {
    const sql = 'UPDATE own SET root = ?, size = ? WHERE id = ?'
    await this.#db.write(() => this.#db.run(sql, root, size, lease.id))
    await this.#db.durable()
  }

  /** Those that were made for a blob and have not ended. */
  of(root: string): OwnLease[] {
    const sql = 'SELECT id, secret, made FROM own WHERE root = ? ORDER BY made'
    return this.#db.all(sql, root) as unknown as OwnLease[]
  }

  /** Those that were begun and are not finished. */
  unfinished(): OwnLease[] {
    const sql = 'SELECT id, secret, made FROM own WHERE root IS NULL'
    return this.#db.all(sql) as unknown as OwnLease[]
  }
}
