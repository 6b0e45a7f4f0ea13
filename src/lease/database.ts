import { randomBytes } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'
import { free } from '../base/bytes.ts'
import { DreyError, messageOf } from '../base/error.ts'
import { syncFolder } from '../store/durable.ts'

const defaults = {
  cacheKib: 512, // SQLite's own 2 MiB are more than leases need.
  checkpointWrites: 128, // Some 3 MB of the log; while they go to the file, writers wait.
  reservedBytes: 4 << 20, // Of the log: on a full disk, what makes room can be written all the same.
  pieceBytes: 64 << 10, // It is made of pieces: four megabytes at once would stay in memory for long.
  vacuumPages: 256, // A millisecond or two.
} as const

/** The log and the file of a database, opened beside SQLite to be synced. */
interface Files {
  readonly log: FileHandle
  readonly main: FileHandle
}

export type Row = Readonly<Record<string, SQLOutputValue>>

/**
 * A SQLite database in which nobody waits for the disk but those who have to: a write is in its log when
 * `write` has resolved, where a killed process does not lose it, and `durable` resolves once the log is synced.
 * SQLite would sync in the event loop; here the log (https://www.sqlite.org/wal.html) is synced beside it, once
 * for everyone who waits. When a sync fails, what is on the disk is not known any more: everything fails from
 * then on until the database is opened again.
 */
export class Database implements AsyncDisposable {
  readonly #db: DatabaseSync
  /** What is in it, for people. */
  readonly #of: string
  readonly #checkpointWrites: number
  readonly #files: Files | undefined
  readonly #statements = new Map<string, StatementSync>()
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  /** In the log, and not in the file. */
  #writes = 0
  /**
   * The next sync brings the log into the file, however short it is. So does the first: whoever had the
   * database before may have failed to sync the log, and then no later sync of it says anything.
   */
  #isDueHome = true
  /** While that is done nothing is written to it. */
  #checkpoint: Promise<void> | undefined
  #failure: Error | undefined

  constructor(db: DatabaseSync, schema: Schema, files?: Files) {
    this.#db = db
    this.#of = schema.of
    this.#checkpointWrites = schema.checkpointWrites ?? defaults.checkpointWrites
    this.#files = files
  }

  /** Reads at most one row. */
  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    const row = this.#prepare(sql).get(...values)
    return row && { ...row }
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...values)
  }

  /** Writes, inside `write` alone; how many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...values).changes)
  }

  /** Does some writes together, or none of them when it throws. Throws 'full' when the disk is. */
  async write<T>(work: () => T): Promise<T> {
    while (this.#checkpoint !== undefined) await this.#checkpoint
    return this.writeAtOnce(work)
  }

  /** The same in a database that nobody else has yet. */
  writeAtOnce<T>(work: () => T): T {
    if (this.#failure !== undefined) throw this.#failure
    try {
      this.#db.exec('BEGIN IMMEDIATE')
      const result = work()
      this.#db.exec('COMMIT')
      this.#writes += 1
      return result
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw failureOf(error, this.#of)
    }
  }

  /** Resolves when everything that was written before survives a power cut. */
  durable(): Promise<void> {
    if (this.#files === undefined) return Promise.resolve()
    if (this.#running === undefined) return this.#begin()
    this.#next ??= this.#running.then(() => this.#begin())
    return this.#next
  }

  /** Gives back the room that nothing uses any more. */
  async compact(): Promise<void> {
    const unused = () => Number(this.#prepare('PRAGMA freelist_count').get()!.freelist_count)
    while (unused() > 0) {
      while (this.#checkpoint !== undefined) await this.#checkpoint
      this.#db.exec(`PRAGMA incremental_vacuum(${defaults.vacuumPages})`)
    }
    if (this.#writes === 0) return
    this.#isDueHome = true
    await this.durable()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#db.isOpen) return
    await this.durable().catch(() => {}) // Whoever waited for it has heard.
    if (this.#failure === undefined && this.#files) await this.#bringHome(this.#files)
    this.#db.close()
    await this.#files?.log.close()
    await this.#files?.main.close() // Not before: closing a file gives up the locks that the database has on it.
  }

  #begin(): Promise<void> {
    const sync = this.#sync(this.#files!)
    this.#running = sync
    this.#next = undefined
    const over = () => {
      if (this.#running === sync) this.#running = undefined
    }
    sync.then(over, over)
    return sync
  }

  async #sync({ log, main }: Files): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    const { promise, resolve } = Promise.withResolvers<void>()
    try {
      await log.datasync()
      if (!this.#isDueHome && this.#writes < this.#checkpointWrites) return
      this.#checkpoint = promise
      await this.#bringHome({ log, main })
    } catch (error) {
      const why = `${this.#of} cannot be written: ${messageOf(error)}; start the node again when its disk can`
      this.#failure = new DreyError('cannot-write', why, { cause: error })
      throw this.#failure
    } finally {
      this.#checkpoint = undefined
      resolve()
    }
  }

  /** From the log to the file; the log is written from its beginning again once the file is synced. */
  async #bringHome({ log, main }: Files): Promise<void> {
    await log.datasync() // What has come since: the file may be given it at once.
    try {
      this.#db.exec('PRAGMA wal_checkpoint(PASSIVE)')
    } catch (error) {
      if (isFull(error)) return // The log has all of it, and grows as long as it can.
      throw error
    }
    await main.datasync()
    this.#db.exec('PRAGMA wal_checkpoint(RESTART)')
    this.#writes = 0
    this.#isDueHome = false
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}

export interface Schema {
  readonly version: number
  /** What is in it, for people. */
  readonly of: string
  /** What makes the tables. */
  readonly sql: string
  /** What makes each version of the one before; the first makes version 2. */
  readonly upgrades?: readonly string[]
  /** In place of the defaults: bytes of the log, and writes after which it goes to the file. */
  readonly reservedBytes?: number
  readonly checkpointWrites?: number
}

/**
 * Opens a database, or makes one. Throws 'bad-input' when a newer Drey made it, and what SQLite throws when it is
 * damaged, or none.
 */
export async function openDatabase(path: string, schema: Schema): Promise<Database> {
  await (await open(path, 'a', 0o600)).close() // SQLite would let others read it.
  const db = openWith(path, schema)
  try {
    const log = await open(`${path}-wal`, 'a')
    const main = await open(path, 'r+')
    await reserve(log, reservedBytesOf(schema))
    const database = new Database(db, schema, { log, main })
    await database.durable()
    await syncFolder(dirname(path))
    return database
  } catch (error) {
    db.close()
    throw error
  }
}

/** One that lives as long as the process. */
export function memoryDatabase(schema: Schema): Database {
  return new Database(openWith(':memory:', schema), schema)
}

function openWith(path: string, schema: Schema): DatabaseSync {
  const { version, sql, upgrades = [] } = schema
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite') // 2 MB, for those who need it.
  const db = new DatabaseSync(path)
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE') // One process has it.
    const seen = Number(db.prepare('PRAGMA user_version').get()!.user_version)
    if (seen === 0) db.exec('PRAGMA auto_vacuum = INCREMENTAL')
    db.exec(settingsOf(schema))
    if (seen > version) {
      const why = `it has the format ${seen}, this Drey reads ${version}: start a newer Drey`
      throw new DreyError('bad-input', `${path}: ${why}`)
    }
    const steps = seen === 0 ? [sql] : upgrades.slice(seen - 1)
    if (seen === version) return db
    db.exec(`BEGIN; ${steps.join(';')}; PRAGMA user_version = ${version}; COMMIT`)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

const settingsOf = (schema: Schema) => `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = OFF;
  PRAGMA wal_autocheckpoint = 0;
  PRAGMA journal_size_limit = ${reservedBytesOf(schema)};
  PRAGMA foreign_keys = OFF;
  PRAGMA temp_store = MEMORY;
  PRAGMA cache_size = -${defaults.cacheKib};
`

/** What follows the last whole entry of a log is not read, whatever it is. */
async function reserve(log: FileHandle, reservedBytes: number): Promise<void> {
  let missing = reservedBytes - (await log.stat()).size
  try {
    while (missing > 0) {
      const piece = randomBytes(Math.min(missing, defaults.pieceBytes))
      await log.appendFile(piece)
      missing -= piece.length
      free(piece)
    }
  } catch {
    // There is no room: then not.
  }
}

function reservedBytesOf({ reservedBytes = defaults.reservedBytes }: Schema): number {
  return reservedBytes
}

const sqliteFull = 13

function isFull(error: unknown): boolean {
  return (error as { errcode?: number }).errcode === sqliteFull
}

function failureOf(error: unknown, of: string): unknown {
  if (!isFull(error)) return error
  return new DreyError('full', `the disk of the ${of} is full: make room on it`, { cause: error })
}
