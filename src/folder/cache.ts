import { closeSync, openSync, rmSync } from 'node:fs'
import {
  DatabaseSync,
  type SQLInputValue,
  type SQLOutputValue,
  type StatementSync,
} from 'node:sqlite'
import { decodeAddress, type Address } from '../address/address.ts'
import type { Link } from '../address/link.ts'
import { encodeEntry, type Entry } from './entry.ts'

/** What a file system says that changes when a file does. */
export interface Signs {
  readonly device: bigint
  readonly inode: bigint
  readonly size: bigint
  /** Nanoseconds since 1970: when its bytes, and when anything of it, was changed last. */
  readonly modified: bigint
  readonly changed: bigint
}

export type Known = Link & { readonly size: number }

/** What was not stored anew, but found to be stored. */
export interface Reused {
  readonly path: Uint8Array
  readonly address: Address
  readonly size: number
  /** The number of a folder, whose listing it is. */
  readonly folder: number | null
}

const schema = `
  CREATE TABLE IF NOT EXISTS file (path BLOB PRIMARY KEY, device INTEGER, inode INTEGER, size INTEGER,
    modified INTEGER, changed INTEGER, address BLOB, key BLOB) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS listing (path BLOB PRIMARY KEY, hash BLOB, size INTEGER, address BLOB, key BLOB)
    WITHOUT ROWID;
  CREATE TEMP TABLE made (folder INTEGER, name BLOB, entry BLOB, PRIMARY KEY (folder, name)) WITHOUT ROWID;
  CREATE TEMP TABLE reused (path BLOB, address BLOB, size INTEGER, folder INTEGER);
`
const version = 1
const inMemory = ':memory:'
const writesAtOnce = 1_000

/**
 * What was stored of which file, so that what has not changed is not read again; and the entries of folders
 * that are being made, however many: SQLite holds and sorts them. It is a cache: what is lost is found out anew,
 * and a file of it that cannot be used is thrown away. While another process has it, there is one in memory.
 */
export class FolderCache implements Disposable {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  #writes = 0

  private constructor(db: DatabaseSync) {
    this.#db = db
  }

  static open(path: string): FolderCache {
    try {
      return FolderCache.#at(path)
    } catch (error) {
      if (isBusy(error)) return FolderCache.inMemory()
      for (const each of [path, `${path}-journal`]) rmSync(each, { force: true })
      return FolderCache.#at(path)
    }
  }

  static inMemory(): FolderCache {
    return FolderCache.#at(inMemory)
  }

  static #at(path: string): FolderCache {
    if (path !== inMemory) closeSync(openSync(path, 'a', 0o600)) // It holds names and keys: for its user alone.
    const db = new DatabaseSync(path)
    try {
      db.exec(
        'PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF; PRAGMA cache_size = -2048',
      )
      db.exec('BEGIN IMMEDIATE')
      const { user_version: found } = db.prepare('PRAGMA user_version').get()!
      if (found !== 0 && found !== version) throw new Error('a cache of another version')
      db.exec(`${schema} PRAGMA user_version = ${version}`)
      return new FolderCache(db)
    } catch (error) {
      db.close()
      throw error
    }
  }

  /** What was stored of a file that has not changed since. */
  file(path: Uint8Array, signs: Signs): Known | undefined {
    const row = this.#prepare(
      `SELECT address, key, size FROM file WHERE path = ? AND device = ? AND inode = ? AND size = ?
         AND modified = ? AND changed = ?`,
    ).get(path, signs.device, signs.inode, signs.size, signs.modified, signs.changed)
    return row && known(row)
  }

  noteFile(path: Uint8Array, signs: Signs, { address, key }: Known): void {
    const { device, inode, size, modified, changed } = signs
    this.#run(
      'INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      ...[path, device, inode, size, modified, changed, address.bytes, key],
    )
  }

  /** What was stored of a folder whose listing had this hash. */
  listing(path: Uint8Array, hash: Uint8Array): Known | undefined {
    const sql = 'SELECT address, key, size FROM listing WHERE path = ? AND hash = ?'
    const row = this.#prepare(sql).get(path, hash)
    return row && known(row)
  }

  noteListing(path: Uint8Array, hash: Uint8Array, { address, key, size }: Known): void {
    const sql = 'INSERT OR REPLACE INTO listing VALUES (?, ?, ?, ?, ?)'
    this.#run(sql, path, hash, size, address.bytes, key)
  }

  /** An entry of a folder that is being made. */
  add(folder: number, entry: Entry): void {
    this.#run('INSERT INTO made VALUES (?, ?, ?)', folder, entry.name, encodeEntry(entry))
  }

  /** The entries of a folder that is being made, encoded, in the order of names. */
  *entriesOf(folder: number): Generator<Uint8Array> {
    const rows = this.#db
      .prepare('SELECT entry FROM made WHERE folder = ? ORDER BY name')
      .iterate(folder)
    for (const { entry } of rows) yield entry as Uint8Array
  }

  noteReused({ path, address, size, folder }: Reused): void {
    this.#run('INSERT INTO reused VALUES (?, ?, ?, ?)', path, address.bytes, size, folder)
  }

  *reused(): Generator<Reused> {
    for (const row of this.#db.prepare('SELECT * FROM reused').iterate()) {
      yield { ...(row as unknown as Reused), address: decodeAddress(row.address as Uint8Array) }
    }
  }

  [Symbol.dispose](): void {
    this.#db.exec('COMMIT')
    this.#db.close()
  }

  #prepare(sql: string): StatementSync {
    const found = this.#statements.get(sql) ?? this.#db.prepare(sql)
    this.#statements.set(sql, found)
    return found
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#prepare(sql).run(...values)
    this.#writes += 1
    if (this.#writes % writesAtOnce === 0) this.#db.exec('COMMIT; BEGIN IMMEDIATE')
  }
}

function known({ address, key, size }: Record<string, SQLOutputValue>): Known {
  return {
    address: decodeAddress(address as Uint8Array),
    key: key as Uint8Array,
    size: Number(size),
  }
}

/** Somebody else has the file. */
function isBusy(error: unknown): boolean {
  return (error as { errcode?: number }).errcode === 5
}
