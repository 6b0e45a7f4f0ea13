import { open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { formatAddress, type Address } from '../address/address.ts'
import { DreyError, isDreyError, messageOf } from '../base/error.ts'
import { Window } from '../base/flow.ts'
import type { Log } from '../base/log.ts'
import { isShard, layoutId, type Layout } from '../coding/layout.ts'
import { Census } from './census.ts'
import { DiskFolder } from './diskFolder.ts'
import { makeFolderDurably, writeDurably } from './durable.ts'
import { errnoOf, ifThere } from './errno.ts'
import { freeBytesOf } from './floor.ts'
import { lockFolder } from './folderLock.ts'
import { Listings } from './listings.ts'
import { encodeHead, readHead, readShardFile } from './shardFile.ts'
import {
  formatShardName,
  isShardFile,
  parseShardName,
  subfolderOf,
  subfolders,
} from './shardName.ts'
import {
  mismatch,
  type ListOptions,
  type Shard,
  type ShardName,
  type Store,
  type StoreUsage,
} from './store.ts'
import { Turns } from './turns.ts'

const defaults = {
  writesAtOnce: 12, // They wait for syncs in threads; of the 16, some stay free for readers.
  statsAtOnce: 8, // While counting: leaves threads to those who wait for a shard.
} as const

export interface DiskStoreOptions {
  readonly log: Log
  /** What `put` has acknowledged survives a crash of the process, and may be lost in a power cut: until the
   * system has written it by itself, even when the store is opened with syncs meanwhile. */
  readonly unsafeNoSync?: boolean
  /** Told of every shard that was found rotten and set aside, whoever read it. */
  readonly onRot?: (name: ShardName) => void
}

/**
 * Opens the store in a folder, or makes one there. Throws 'busy' when another process has it open, and
 * 'bad-input' when the folder is not a store or one of a newer Drey.
 */
export async function openDiskStore(path: string, options: DiskStoreOptions): Promise<DiskStore> {
  const folder = new DiskFolder(path)
  await makeFolderDurably(folder.path)
  await folder.check()
  await using opened = new AsyncDisposableStack()
  const lock = opened.use(await lockFolder(folder.path))
  await folder.prepare()
  if (lock.takenOver) await folder.syncNames() // Before anyone is told that a shard is there.
  lock.settled()
  return new DiskStore(folder, options, opened.move())
}

/** Keeps every shard in a file of its own. */
export class DiskStore implements Store {
  readonly #folder: DiskFolder
  readonly #log: Log
  readonly #held: AsyncDisposable
  readonly #sync: boolean
  readonly #onRot: (name: ShardName) => void
  readonly #writing = new Window(defaults.writesAtOnce)
  /** Whatever changes a file, or counts it, does so in the turn of its name. */
  readonly #turns = new Turns()
  /** Files that may have their name already and are not durable yet: nobody is told of them. */
  readonly #landing = new Set<string>()
  readonly #listings = new Listings((subfolder) => readdir(this.#folder.shards(subfolder)))
  readonly #census = new Census(subfolders)
  readonly #counted: Promise<void>
  readonly #closing = new AbortController()
  #written = 0

  constructor(folder: DiskFolder, options: DiskStoreOptions, held: AsyncDisposable) {
    this.#folder = folder
    this.#log = options.log
    this.#held = held
    this.#sync = !options.unsafeNoSync
    this.#onRot = options.onRot ?? (() => {})
    this.#counted = this.#count()
    this.#counted.catch((error: unknown) => {
      if (this.#closing.signal.aborted) return
      this.#log.error('the store could not be counted, and takes nothing within a quota', { error })
    })
  }

  async put(
    { layout, index, bytes }: Shard,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<boolean> {
    if (!isShard(layout, index, bytes)) throw mismatch(layout, index)
    const place = this.#placeOf({ block: layout.block, layout: layoutId(layout), index })
    const head = encodeHead(layout, index)
    const size = head.length + bytes.length
    return this.#turn(place.file, async () => {
      const seen = await ifThere(stat(place.path))
      if (seen?.size === size) return false
      if (seen !== undefined) await this.#setAside(place, `it has ${seen.size} bytes, not ${size}`)
      await this.#writing.take(1, signal)
      try {
        await this.#write(place, [head, bytes])
      } finally {
        this.#writing.give(1)
      }
      this.#census.added(place.subfolder, place.file, size)
      return true
    })
  }

  async get(
    name: ShardName,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<Shard | undefined> {
    signal?.throwIfAborted()
    const place = this.#placeOf(name)
    try {
      return await this.#read(place)
    } catch (error) {
      if (!isDreyError(error, 'corrupt')) throw error
      return this.#turn(place.file, () => this.#readOrSetAside(place))
    }
  }

  async has(name: ShardName): Promise<boolean> {
    const { file, path } = this.#placeOf(name)
    return (await ifThere(stat(path))) !== undefined && !this.#landing.has(file)
  }

  async layoutOf(name: ShardName): Promise<Layout | undefined> {
    const { file, path } = this.#placeOf(name)
    try {
      await using handle = await ifThere(open(path))
      return handle && (await readHead(handle, file, (await handle.stat()).size)).layout
    } catch (error) {
      if (isDreyError(error, 'corrupt')) return undefined // Whoever reads the shard sets it aside.
      throw error
    }
  }

  async shardsOf(block: Address): Promise<ShardName[]> {
    const address = formatAddress(block)
    const files = (await this.#listings.of(subfolderOf(address))).get(address) ?? []
    return files
      .filter((file) => !this.#landing.has(file))
      .map(parseShardName)
      .filter((name) => name !== undefined)
  }

  /** The names of one subfolder are in memory at a time. */
  async *list({ subfolder: only }: ListOptions = {}): AsyncGenerator<ShardName> {
    for (const subfolder of only === undefined ? subfolders : [only]) {
      for (const file of (await readdir(this.#folder.shards(subfolder))).sort()) {
        const name = isShardFile(subfolder, file) ? parseShardName(file) : undefined
        if (name !== undefined && !this.#landing.has(file)) yield name
      }
    }
  }

  async delete(name: ShardName): Promise<boolean> {
    const place = this.#placeOf(name)
    return this.#turn(place.file, () => this.#remove(place, () => unlink(place.path)))
  }

  async usage(): Promise<StoreUsage> {
    await this.#counted
    const free = await freeBytesOf(this.#folder.path)
    return { shards: this.#census.shards, bytes: this.#census.bytes, free }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort(new Error('the store is closed'))
    await this.#counted.catch(() => {}) // It was told to stop, or has said why it failed.
    await this.#turns.idle()
    await this.#held[Symbol.asyncDispose]()
  }

  #placeOf(name: ShardName): Place {
    const [file, subfolder] = [formatShardName(name), subfolderOf(formatAddress(name.block))]
    return { name, file, subfolder, path: join(this.#folder.shards(subfolder), file) }
  }

  /** What changes a file waits here for whoever did so before. */
  #turn<T>(file: string, work: () => Promise<T>): Promise<T> {
    this.#closing.signal.throwIfAborted()
    return this.#turns.take(file, work)
  }

  async #write({ file, path }: Place, pieces: readonly Uint8Array[]): Promise<void> {
    const temporary = this.#folder.temporary(`${this.#written++}`)
    this.#landing.add(file)
    try {
      await writeDurably({ temporary, path }, pieces, { sync: this.#sync })
    } catch (error) {
      throw writeFailure(this.#folder.path, error)
    } finally {
      this.#landing.delete(file)
    }
  }

  /** Throws 'corrupt' when the file is not what its name promises. */
  async #read({ file, path }: Place): Promise<Shard | undefined> {
    await using handle = await ifThere(open(path))
    if (handle === undefined) return undefined
    return await readShardFile(handle, file, (await handle.stat()).size)
  }

  /** In the name's turn: a good file may have come in the place of the one that had rotted. */
  async #readOrSetAside(place: Place): Promise<Shard | undefined> {
    try {
      return await this.#read(place)
    } catch (error) {
      if (!isDreyError(error, 'corrupt')) throw error
      await this.#setAside(place, error.message)
      return undefined
    }
  }

  /** Keeps what rotted out of everybody's way, and where somebody can look at it. */
  async #setAside(place: Place, why: string): Promise<void> {
    const gone = await this.#remove(place, () =>
      rename(place.path, this.#folder.quarantined(place.file)),
    )
    if (!gone) return
    this.#log.warn('a shard had rotted and was set aside', { shard: place.file, why })
    this.#onRot(place.name)
  }

  /**
   * In the name's turn. Whether it was there. A file that lost bytes is counted off as it is now: the
   * count is off by the rest until the store is opened again.
   */
  async #remove({ path, subfolder, file }: Place, work: () => Promise<void>): Promise<boolean> {
    const wasListed = this.#census.listed(subfolder)
    const seen = await ifThere(stat(path))
    if (seen === undefined) return false
    await work()
    this.#census.removed(file, seen.size, wasListed)
    return true
  }

  async #count(): Promise<void> {
    const list = async (subfolder: string): Promise<string[]> => {
      const files = await readdir(this.#folder.shards(subfolder))
      return files.filter((file) => {
        const known = isShardFile(subfolder, file)
        if (!known) this.#log.warn('a file is not a shard and was ignored', { subfolder, file })
        return known
      })
    }
    await this.#census.run(
      {
        list,
        turn: (file, work) => this.#turns.take(file, work),
        sizeOf: async (subfolder, file) =>
          (await ifThere(stat(join(this.#folder.shards(subfolder), file))))?.size,
      },
      { signal: this.#closing.signal, window: defaults.statsAtOnce },
    )
  }
}

/** Where a shard is. */
interface Place {
  readonly name: ShardName
  readonly subfolder: string
  readonly file: string
  readonly path: string
}

/** What a failed write means to whoever wanted it. */
export function writeFailure(folder: string, cause: unknown): Error {
  const code = errnoOf(cause)
  if (code !== 'ENOSPC' && code !== 'EDQUOT') {
    const message = `cannot write to ${folder}: ${messageOf(cause)}`
    return new DreyError('cannot-write', message, { cause })
  }
  const how = 'make room on it, or move the store to a larger one'
  return new DreyError('full', `the disk of ${folder} is full: ${how}`, { cause })
}
