import type { Clock } from '../base/clock.ts'
import type { Database } from './database.ts'
import { newLease, type Lease, type LeaseSecret } from './lease.ts'

/** A lease that this node made for a blob. */
export interface OwnLease {
  readonly id: string
  readonly secret: LeaseSecret
  readonly made: number
}

/** What a lease is made with. */
export interface LeaseWish {
  /** How long it holds; for ever without. */
  readonly forMs?: number
  /** What a person calls what it covers. */
  readonly name?: string
  /** It covers this node's own catalog, which is not in the list of what was stored. */
  readonly isCatalog?: boolean
}

/** A blob that this node has stored, or keeps. */
export interface OwnBlob {
  /** The blob's address. */
  readonly address: string
  /** What a person called it. */
  readonly name: string | null
  /** Bytes of its content; `null` when it was kept without being read. */
  readonly size: number | null
  /** When it was stored last; milliseconds since 1970, as `expires`. */
  readonly made: number
  /** Until when it is kept; `null`: until it is removed. */
  readonly expires: number | null
}

/** What is to be listed. */
export interface ListWish {
  /** Part of a name or an address; upper and lower case do not matter. */
  readonly search?: string
  /** The latest first, the largest first, or names in their order. */
  readonly sort: keyof typeof orders
  /** How many at most. */
  readonly limit: number
}

const orders = {
  time: 'made DESC, address',
  size: 'size DESC, address',
  name: 'name COLLATE NOCASE, made DESC, address',
} as const

export const listOrders = Object.keys(orders) as (keyof typeof orders)[]

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
  async begin({ forMs, name, isCatalog = false }: LeaseWish = {}): Promise<{
    lease: Lease
    secret: LeaseSecret
  }> {
    const made = this.#clock.now()
    const until = forMs === undefined ? {} : { expires: made + forMs }
    const begun = newLease({ owner: this.#owner, made, ...until })
    const { id, expires = 0 } = begun.lease
    const sql =
      'INSERT INTO own (id, secret, made, expires, name, catalog) VALUES (?, ?, ?, ?, ?, ?)'
    const values = [id, begun.secret, made, expires, name ?? null, Number(isCatalog)] as const
    await this.#db.write(() => this.#db.run(sql, ...values))
    await this.#db.durable()
    return begun
  }

  /** It covers a whole blob: from now on `of` finds it. */
  async finish(lease: Lease, root: string, size?: number): Promise<void> {
    const sql = 'UPDATE own SET root = ?, size = ? WHERE id = ?'
    await this.#db.write(() => this.#db.run(sql, root, size ?? null, lease.id))
    await this.#db.durable()
  }

  /** Those that were made for a blob and have not ended. */
  of(root: string): OwnLease[] {
    const sql = 'SELECT id, secret, made FROM own WHERE root = ? ORDER BY made'
    return this.#db.all(sql, root) as unknown as OwnLease[]
  }

  /** What is kept because of them, and how many there are without a limit; one of each address and name. */
  list({ search = '', sort, limit }: ListWish): { blobs: OwnBlob[]; total: number } {
    const pattern = `%${search.replace(/[\\%_]/g, '\\$&')}%`
    const chosen = `FROM own WHERE root IS NOT NULL AND catalog = 0 AND (expires = 0 OR expires > ?)
      AND (name LIKE ? ESCAPE '\\' OR root LIKE ? ESCAPE '\\') GROUP BY root, name`
    const values = [this.#clock.now(), pattern, pattern] as const
    const blobs = this.#db.all(
      `SELECT root AS address, name, max(size) AS size, max(made) AS made,
         CASE min(expires) WHEN 0 THEN NULL ELSE max(expires) END AS expires
         ${chosen} ORDER BY ${orders[sort]} LIMIT ?`,
      ...values,
      limit,
    ) as unknown as OwnBlob[]
    const count = this.#db.get(`SELECT count(*) AS total FROM (SELECT 1 ${chosen})`, ...values)
    return { blobs, total: count!.total as number }
  }

  /** Of how many blobs the last lease ends before this time. */
  endingBefore(time: number): number {
    const sql = `SELECT count(*) AS blobs FROM (SELECT 1 FROM own
      WHERE root IS NOT NULL AND catalog = 0 AND (expires = 0 OR expires > ?)
      GROUP BY root HAVING min(expires) > 0 AND max(expires) < ?)`
    return this.#db.get(sql, this.#clock.now(), time)!.blobs as number
  }

  /** Those that were begun and are not finished. */
  unfinished(): OwnLease[] {
    const sql = 'SELECT id, secret, made FROM own WHERE root IS NULL'
    return this.#db.all(sql) as unknown as OwnLease[]
  }
}
