import { randomUUID } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { isDreyError } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { LeaseBook } from './book.ts'
import { memoryDatabase, type Database } from './database.ts'
import { OwnList } from './listed.ts'
import { OwnLeases } from './own.ts'
import { schema } from './schema.ts'
import { openOrSetAside } from './setAside.ts'
import { LeaseSweep } from './sweep.ts'

/** What a node knows of leases: one database. */
export interface Leases extends AsyncDisposable {
  /** Those that cover what is kept here. */
  readonly book: LeaseBook
  readonly sweep: LeaseSweep
  /** Those that this node made. */
  readonly own: OwnLeases
  readonly list: OwnList
}

export interface LeasesOptions {
  /** The id of this node's member. */
  readonly owner: string
  readonly clock: Clock
  readonly log: Log
  /** Whether the store has something that a new book would not know of. */
  readonly hasShards: () => Promise<boolean>
  /** Bytes that one owner may have here. */
  readonly ownerQuota?: number
}

/**
 * Opens a node's leases, or makes them. Where there are none, or damaged ones (which are set aside), and the
 * store has shards, nobody can know whether those are wanted: the new book adopts them all.
 */
export async function openLeases(path: string, options: LeasesOptions): Promise<Leases> {
  await using opened = new AsyncDisposableStack()
  const damaged = 'the leases are damaged: they were set aside, and all that is here is kept'
  const told = (error: unknown, aside: string) => options.log.error(damaged, { error, aside })
  const db = opened.use(await openOrSetAside(path, schema, told))
  if (isNew(db)) {
    const adopts = await options.hasShards()
    if (adopts) options.log.warn(unknownShards)
    introduce(db, adopts)
    await db.durable()
  }
  const leases = leasesIn(db, options)
  await endUnfinished(leases, options.log)
  opened.move()
  return leases
}

/** An earlier run was killed in a put: what it left is let go. */
async function endUnfinished({ book, own }: Leases, log: Log): Promise<void> {
  try {
    await book.end(own.unfinished().map(({ secret }) => secret))
  } catch (error) {
    if (!isDreyError(error, 'full')) throw error
    log.warn(`what a put left that was killed is let go after another start: ${error.message}`)
  }
}

/** Leases in memory, beside a store in memory. */
export function memoryLeases(
  options: Pick<LeasesOptions, 'owner' | 'clock' | 'ownerQuota'>,
): Leases {
  const db = memoryDatabase(schema)
  introduce(db, false)
  return leasesIn(db, options)
}

const unknownShards = 'nobody has leased what is kept here: all of it is kept until somebody does'

function leasesIn(
  db: Database,
  { clock, owner, ownerQuota }: Pick<LeasesOptions, 'owner' | 'clock' | 'ownerQuota'>,
): Leases {
  const book = new LeaseBook(db, { clock, ownerQuota })
  return {
    book,
    own: new OwnLeases(db, { clock, owner }),
    list: new OwnList(db, clock),
    sweep: new LeaseSweep(db, book, clock),
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  }
}

function isNew(db: Database): boolean {
  return db.get("SELECT 1 FROM about WHERE name = 'log'") === undefined
}

function introduce(db: Database, adopts: boolean): void {
  const about = { adopts: Number(adopts), time: 0, log: randomUUID(), changes: 0, told: 0 }
  db.writeAtOnce(() => {
    for (const [name, value] of Object.entries(about)) {
      db.run('INSERT INTO about (name, value) VALUES (?, ?)', name, value)
    }
  })
}
