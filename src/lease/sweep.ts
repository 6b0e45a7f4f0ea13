import { decodeAddress, type Address } from '../address/address.ts'
import type { Clock } from '../base/clock.ts'
import type { LeaseBook } from './book.ts'
import type { Database } from './database.ts'
import { adopted, coveringRows, uncover, type BlockRow } from './rows.ts'

const rowsAtOnce = 200 // Some 10 ms in which nothing else happens.

export interface Waiting {
  readonly blocks: number
  readonly bytes: number
}

/** Finds what nobody wants any more in a book of leases: a little at a time, so that others get their turn. */
export class LeaseSweep {
  readonly #db: Database
  readonly #book: LeaseBook
  readonly #clock: Clock

  constructor(db: Database, book: LeaseBook, clock: Clock) {
    this.#db = db
    this.#book = book
    this.#clock = clock
  }

  /**
   * Ends leases whose time is over. A clock may be wrong: they have to be over for the grace time, by the
   * book's own.
   */
  async expire(graceMs: number): Promise<void> {
    const now = this.#clock.now()
    await this.#db.write(() => {
      const { time } = this.#book
      const expired = 'expires > 0 AND expires <= ?'
      this.#db.run('UPDATE lease SET over = NULL WHERE expires > ? AND over IS NOT NULL', now)
      this.#db.run(`UPDATE lease SET over = ? WHERE ${expired} AND over IS NULL`, time, now)
      this.#db.run(`UPDATE lease SET ended = 1 WHERE ${expired} AND over <= ?`, now, time - graceMs)
    })
  }

  /** Takes ended leases off some blocks; those that no lease is left for begin to wait. Whether there were any. */
  async takeSome(): Promise<boolean> {
    return this.#db.write(() => {
      const lease = this.#db.get('SELECT row FROM lease WHERE ended = 1 ORDER BY row LIMIT 1')
      if (lease === undefined) return false
      const row = lease.row as number
      const blocks = this.#db.all(
        `SELECT block.row, bytes, since FROM leased JOIN block ON block.row = leased.block
           WHERE leased.lease = ? LIMIT ${rowsAtOnce}`,
        row,
      ) as unknown as BlockRow[]
      for (const block of blocks) this.#take(block, row)
      if (blocks.length < rowsAtOnce) this.#db.run('DELETE FROM lease WHERE row = ?', row)
      return true
    })
  }

  /** Gives back the room of what is not in the book any more. */
  compact(): Promise<void> {
    return this.#db.compact()
  }

  /** Some blocks that nobody has wanted for so long, without the first few of them. */
  due(graceMs: number, max: number, without = 0): Address[] {
    const sql = 'SELECT address FROM block WHERE since <= ? ORDER BY since, row LIMIT ? OFFSET ?'
    const rows = this.#db.all(sql, this.#book.time - graceMs, max, without)
    return rows.map(({ address }) => decodeAddress(address as Uint8Array))
  }

  /** Blocks that nobody has wanted for so long. */
  waiting(forMs = 0): Waiting {
    const sql =
      'SELECT count(*) AS blocks, coalesce(sum(bytes), 0) AS bytes FROM block WHERE since <= ?'
    return this.#db.get(sql, this.#book.time - forMs) as unknown as Waiting
  }

  /** Blocks that were adopted; those of which the book never heard, where it adopts, are not among them. */
  adopted(): Waiting {
    const sql = `SELECT count(*) AS blocks, coalesce(sum(block.bytes), 0) AS bytes FROM lease
      JOIN leased ON leased.lease = lease.row JOIN block ON block.row = leased.block WHERE lease.id = ?`
    return this.#db.get(sql, adopted.id) as unknown as Waiting
  }

  /** What was adopted is not wanted any more, unless somebody speaks for it in the grace time. */
  async abandonAdopted(): Promise<void> {
    await this.#db.write(() => {
      this.#db.run('UPDATE lease SET ended = 1 WHERE id = ?', adopted.id)
      this.#db.run("UPDATE about SET value = 0 WHERE name = 'adopts'")
    })
    await this.#db.durable()
  }

  #take(block: BlockRow, lease: number): void {
    uncover(this.#db, block, lease)
    if (coveringRows(this.#db, block).length > 0) return
    const sql = 'UPDATE block SET since = ? WHERE row = ? AND since IS NULL'
    this.#db.run(sql, this.#book.time, block.row)
  }
}
