import * as dagCbor from '@ipld/dag-cbor'
import { blake3 } from '../address/blake3.ts'
import { concat, equalBytes } from '../base/bytes.ts'
import type { Database, Row } from '../lease/database.ts'
import type { Vouched } from '../transport/door.ts'
import { isCatalogSlot, type Entry, type Slot } from './entry.ts'

export interface RegisterLimits {
  /** Names that a swarm has, removed ones too: nobody but readers can tell which were removed. */
  readonly namesMax: number
  /** Members whose lists are known; as many as there are readers. */
  readonly catalogsMax: number
  /** Entries of one name that are kept: its history. */
  readonly historyMax: number
}

export const registerDefaults: RegisterLimits = {
  namesMax: 10_000, // With full histories some 130 MB of disk; more would be a file system.
  catalogsMax: 4_096,
  historyMax: 16,
}

type Kind = 'name' | 'catalog'

export const bucketCount = 256
export const sumBytes = 8

const order = 'version DESC, at DESC, signer, hash'
const columns = 'slot, version, at, hash, text, signature, certificates, vouched'
const joined = 'FROM entry JOIN chain ON chain.row = entry.chain'

/**
 * The entries that a node keeps, of each slot the first few. Which are kept depends on the entries alone, and not
 * on the order in which they come: nodes that have told each other everything have the same.
 */
export class Register {
  readonly #db: Database
  readonly #limits: RegisterLimits
  /** Of each bucket that has not changed since it was computed. */
  readonly #sums = new Map<number, Uint8Array>()
  /** How many slots of each kind there are, once they have been counted. */
  readonly #counts = new Map<Kind, number>()

  constructor(db: Database, limits: Partial<RegisterLimits> = {}) {
    this.#db = db
    this.#limits = { ...registerDefaults, ...limits }
  }

  /** Takes entries in; says which were new, and belong to the first few of their slots. */
  async add(entries: readonly Entry[]): Promise<Entry[]> {
    try {
      const fresh = await this.#db.write(() => entries.filter((entry) => this.#add(entry)))
      if (fresh.length > 0) await this.#db.durable()
      return fresh
    } catch (error) {
      this.#forgetFigures() // Of what was not written after all.
      throw error
    }
  }

  /** The entry of a slot that counts. */
  newest(slot: Slot): Entry | undefined {
    return this.history(slot, 1)[0]
  }

  /** The entry that counts, and those before it. */
  history(slot: Slot, max = this.#limits.historyMax): Entry[] {
    const sql = `SELECT ${columns} ${joined} WHERE slot = ? ORDER BY ${order} LIMIT ?`
    return this.#db.all(sql, slot, max).map(entryOf)
  }

  /** The entries that count: of all names, or of all catalogs. */
  all(kind: Kind): Entry[] {
    const sql = `SELECT ${columns} FROM (SELECT *, row_number() OVER (PARTITION BY slot ORDER BY ${order}) AS place
        FROM entry WHERE slot >= ? AND slot < ?) AS entry JOIN chain ON chain.row = entry.chain WHERE place = 1`
    return this.#db.all(sql, `${kind}:`, `${kind};`).map(entryOf)
  }

  has(hash: Uint8Array): boolean {
    return this.#db.get('SELECT 1 FROM entry WHERE hash = ?', hash) !== undefined
  }

  /** Whether there is room for a slot that is not known yet. */
  hasRoom(slot: Slot): boolean {
    const { catalogsMax, namesMax } = this.#limits
    return this.#countOf(kindOf(slot)) < (isCatalogSlot(slot) ? catalogsMax : namesMax)
  }

  /** A hash of all entries: the same for whoever has the same. */
  get sum(): Uint8Array {
    return blake3.hash(this.sums()).slice(0, sumBytes)
  }

  /** One for each bucket, in a row. */
  sums(): Uint8Array {
    return concat(Array.from({ length: bucketCount }, (_, bucket) => this.#sumOf(bucket)))
  }

  hashesIn(bucket: number): Uint8Array[] {
    const rows = this.#db.all('SELECT hash FROM entry WHERE bucket = ? ORDER BY hash', bucket)
    return rows.map(({ hash }) => hash as Uint8Array)
  }

  /** Those of these hashes that are here. */
  entriesOf(hashes: readonly Uint8Array[]): Entry[] {
    const sql = `SELECT ${columns} ${joined} WHERE hash = ?`
    return hashes.flatMap((hash) => this.#db.all(sql, hash).map(entryOf))
  }

  /** Forgets all that these signers have said; how many entries that were. */
  async forget(isUnwanted: (signer: Vouched) => boolean): Promise<number> {
    const chains = this.#db
      .all('SELECT row, vouched FROM chain')
      .filter(({ vouched }) => isUnwanted(JSON.parse(vouched as string) as Vouched))
      .map(({ row }) => row as number)
    if (chains.length === 0) return 0
    return this.#db.write(() => {
      this.#forgetFigures()
      this.#db.run(`DELETE FROM chain WHERE row IN (${chains.join()})`)
      return this.#db.run(`DELETE FROM entry WHERE chain IN (${chains.join()})`)
    })
  }

  #add(entry: Entry): boolean {
    const { slot, hash } = entry
    if (this.has(hash)) return false
    const isNew = this.newest(slot) === undefined
    if (isNew && !this.hasRoom(slot)) return false
    const sql = `INSERT INTO entry (hash, bucket, slot, version, at, signer, chain, text, signature)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
    const { version, at, by, signed } = entry
    const chain = this.#chainOf(entry)
    if (isNew) this.#counts.set(kindOf(slot), this.#countOf(kindOf(slot)) + 1)
    const place = [hash, hash[0]!, slot, version, at, by.id, chain] as const
    this.#db.run(sql, ...place, signed.text, signed.signature)
    this.#sums.delete(hash[0]!)
    this.#trim(slot)
    return this.has(hash)
  }

  #trim(slot: Slot): void {
    const keep = isCatalogSlot(slot) ? 1 : this.#limits.historyMax
    const sql = `SELECT hash, chain FROM entry WHERE slot = ? ORDER BY ${order} LIMIT -1 OFFSET ?`
    for (const { hash, chain } of this.#db.all(sql, slot, keep)) {
      this.#db.run('DELETE FROM entry WHERE hash = ?', hash!)
      this.#sums.delete((hash as Uint8Array)[0]!)
      const unused = `DELETE FROM chain WHERE row = ?
        AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.chain = chain.row)`
      this.#db.run(unused, chain!)
    }
  }

  #chainOf({ by, signed }: Entry): number {
    const certificates = dagCbor.encode([...signed.signer])
    const seen = this.#db.get('SELECT row FROM chain WHERE certificates = ?', certificates)
    const sql = 'INSERT INTO chain (certificates, vouched) VALUES (?, ?) RETURNING row'
    return (seen ?? this.#db.get(sql, certificates, JSON.stringify(by))!).row as number
  }

  #countOf(kind: Kind): number {
    const sql = 'SELECT count(DISTINCT slot) AS count FROM entry WHERE slot >= ? AND slot < ?'
    const count = this.#counts.get(kind) ?? Number(this.#db.get(sql, `${kind}:`, `${kind};`)!.count)
    this.#counts.set(kind, count)
    return count
  }

  #forgetFigures(): void {
    this.#sums.clear()
    this.#counts.clear()
  }

  #sumOf(bucket: number): Uint8Array {
    const known = this.#sums.get(bucket)
    if (known !== undefined) return known
    const sum = blake3.hash(concat(this.hashesIn(bucket))).slice(0, sumBytes)
    this.#sums.set(bucket, sum)
    return sum
  }
}

/** The buckets in which two registers differ. */
export function differing(mine: Uint8Array, theirs: Uint8Array): number[] {
  const at = (sums: Uint8Array, bucket: number) =>
    sums.subarray(bucket * sumBytes, (bucket + 1) * sumBytes)
  return Array.from({ length: bucketCount }, (_, bucket) => bucket).filter(
    (bucket) => !equalBytes(at(mine, bucket), at(theirs, bucket)),
  )
}

function kindOf(slot: Slot): Kind {
  return isCatalogSlot(slot) ? 'catalog' : 'name'
}

function entryOf(row: Row): Entry {
  const { slot, version, at, hash, text, signature, certificates, vouched } = row
  return {
    ...{ slot: slot as Slot, version: version as number, at: at as number },
    value: valueIn(text as Uint8Array),
    by: JSON.parse(vouched as string) as Vouched,
    signed: {
      text: text as Uint8Array,
      signer: dagCbor.decode<Uint8Array[]>(certificates as Uint8Array),
      signature: signature as Uint8Array,
    },
    hash: hash as Uint8Array,
  }
}

function valueIn(text: Uint8Array): Uint8Array {
  return dagCbor.decode<{ value: Uint8Array }>(text).value
}
