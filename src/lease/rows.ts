import type { Address } from '../address/address.ts'
import type { Database } from './database.ts'
import type { Lease } from './lease.ts'

/** What the book knows of a block. */
export interface BlockRow {
  readonly row: number
  readonly bytes: number
  /** Nobody has wanted it since then, in the book's own time. */
  readonly since: number | null
}

/** For blocks that nobody has spoken for, and that are kept until somebody does, or a person says that they may go. */
export const adopted: Lease = { id: '0'.repeat(32), owner: '', made: 0 }

export function findBlock(db: Database, block: Address): BlockRow | undefined {
  const sql = 'SELECT row, bytes, since FROM block WHERE address = ?'
  return db.get(sql, block.bytes) as BlockRow | undefined
}

export function insertBlock(
  db: Database,
  block: Address,
  { bytes, since }: Omit<BlockRow, 'row'>,
): BlockRow {
  const sql = 'INSERT INTO block (address, bytes, since) VALUES (?, ?, ?) RETURNING row'
  const { row } = db.get(sql, block.bytes, bytes, since) as { row: number }
  return { row, bytes, since }
}

/** The leases that cover a block and have not ended. */
export function leasesOn(db: Database, { row }: BlockRow): Lease[] {
  const rows = db.all(
    `SELECT lease.id, owner.id AS owner, made, expires FROM leased
       JOIN lease ON lease.row = leased.lease JOIN owner ON owner.row = lease.owner
       WHERE leased.block = ? AND ended = 0 ORDER BY lease.row`,
    row,
  ) as unknown as { id: string; owner: string; made: number; expires: number }[]
  return rows.map(({ expires, ...lease }) => (expires === 0 ? lease : { ...lease, expires }))
}

/** The ids of the leases that `leasesOn` gives, for those who ask about many blocks. */
export function leaseIdsOn(db: Database, block: Address): string[] {
  const rows = db.all(
    `SELECT lease.id FROM block JOIN leased ON leased.block = block.row
       JOIN lease ON lease.row = leased.lease WHERE block.address = ? AND ended = 0`,
    block.bytes,
  ) as unknown as { id: string }[]
  return rows.map(({ id }) => id)
}

/** Covers a block with a lease; one of its owner's bytes is counted once, however many leases the owner has on it. */
export function cover(db: Database, block: BlockRow, lease: Lease): void {
  const owner = ownerRow(db, lease.owner)
  const row = leaseRow(db, lease, owner)
  const isCharged = isOwnedBy(db, block.row, owner)
  const sql = 'INSERT INTO leased (block, lease) VALUES (?, ?) ON CONFLICT DO NOTHING'
  if (db.run(sql, block.row, row) > 0 && !isCharged) charge(db, owner, block.bytes)
}

/** Takes a lease's row off a block. */
export function uncover(db: Database, block: BlockRow, lease: number): void {
  const { owner } = db.get('SELECT owner FROM lease WHERE row = ?', lease) as { owner: number }
  const taken = db.run('DELETE FROM leased WHERE block = ? AND lease = ?', block.row, lease)
  if (taken > 0 && !isOwnedBy(db, block.row, owner)) charge(db, owner, -block.bytes)
}

/** Removes a block from the book, whoever wanted it. */
export function removeBlock(db: Database, block: BlockRow): void {
  for (const { lease } of coveringRows(db, block)) uncover(db, block, lease)
  db.run('DELETE FROM block WHERE row = ?', block.row)
}

/** Every lease that has a row for the block, ended or not. */
export function coveringRows(db: Database, { row }: BlockRow): { lease: number }[] {
  const sql = 'SELECT lease FROM leased WHERE block = ?'
  return db.all(sql, row) as unknown as { lease: number }[]
}

/** So many bytes of a block are kept here from now on. */
export function resize(db: Database, { row, bytes: before }: BlockRow, bytes: number): void {
  if (bytes === before) return
  db.run('UPDATE block SET bytes = ? WHERE row = ?', bytes, row)
  const owners = db.all(
    'SELECT DISTINCT owner FROM leased JOIN lease ON lease.row = leased.lease WHERE leased.block = ?',
    row,
  ) as unknown as { owner: number }[]
  for (const { owner } of owners) charge(db, owner, bytes - before)
}

function isOwnedBy(db: Database, block: number, owner: number): boolean {
  const sql = `SELECT 1 FROM leased JOIN lease ON lease.row = leased.lease
    WHERE leased.block = ? AND owner = ? LIMIT 1`
  return db.get(sql, block, owner) !== undefined
}

function charge(db: Database, owner: number, bytes: number): void {
  if (bytes !== 0) db.run('UPDATE owner SET bytes = bytes + ? WHERE row = ?', bytes, owner)
}

function ownerRow(db: Database, id: string): number {
  const seen = db.get('SELECT row FROM owner WHERE id = ?', id)
  const made = 'INSERT INTO owner (id, bytes) VALUES (?, 0) RETURNING row'
  return (seen ?? db.get(made, id)!).row as number
}

function leaseRow(db: Database, { id, made, expires = 0 }: Lease, owner: number): number {
  const where = 'id = ? AND owner = ? AND made = ? AND expires = ?'
  const seen = db.get(`SELECT row FROM lease WHERE ${where}`, id, owner, made, expires)
  const sql = 'INSERT INTO lease (id, owner, made, expires) VALUES (?, ?, ?, ?) RETURNING row'
  return (seen ?? db.get(sql, id, owner, made, expires)!).row as number
}
