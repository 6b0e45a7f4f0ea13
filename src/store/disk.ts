import type { Stats } from 'node:fs'
import { mkdir, open, opendir, readdir, rename, stat, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { formatAddress, type Address } from '../address/address.ts'
import { DreyError, isDreyError, messageOf } from '../base/error.ts'
import { Window } from '../base/flow.ts'
import type { Log } from '../base/log.ts'
import { isShard, layoutId } from '../coding/layout.ts'
import { Census } from './census.ts'
import { Committer } from './committer.ts'
import { DiskFolder } from './diskFolder.ts'
import { errnoOf, ifThere } from './errno.ts'
import { freeBytesOf } from './floor.ts'
import { lockFolder } from './folderLock.ts'
import { encodeHead, readShardFile } from './shardFile.ts'
import { formatShardName, parseShardName, subfolderOf, subfolders } from './shardName.ts'
import { mismatch, type Shard, type ShardName, type Store, type StoreUsage } from './store.ts'
import { Turns } from './turns.ts'

const defaults = {
  writesAtOnce: 64, // Open files; more would not share a sync any better (measured).
  statsAtOnce: 8, // While counting: leaves threads to those who wait for a shard.
} as const

export interface DiskStoreOptions {
  readonly log: Log
  /** What `put` has acknowledged survives a crash of the process, and may be lost in a power cut. */
  readonly unsafeNoSync?: boolean
}

/**
 * Opens the store in a folder, or makes one there. Throws 'busy' when another process has it open, and
 * 'bad-input' when the folder is not a store or one of a newer Drey.
 */
export async function openDiskStore(path: string, options: DiskStoreOptions): Promise<DiskStore> {
  const folder = new DiskFolder(path)
  await mkdir(folder.path, { recursive: true, mode: 0o700 })
  const exists = await folder.check()
  await using opened = new AsyncDisposableStack()
  opened.use(await lockFolder(folder.path))
  if (!exists) await folder.create()
  await folder.recover({ sync: !options.unsafeNoSync })
  return new DiskStore(folder, options, opened.move())
}

/** Keeps every shard in a file of its own. */
export class DiskStore implements Store {
  readonly #folder: DiskFolder
  readonly #log: Log
  readonly #held: AsyncDisposable
  readonly #committer: Committer
  readonly #writing = new Window(defaults.writesAtOnce)
  /** Whatever changes a file, or counts it, does so in the turn of its name. */
  readonly #turns = new Turns()
  /** Files that may have their name already and are not durable yet: nobody is told of them. */
  readonly #landing = new Set<string>()
  readonly #census = new Census(subfolders)
  readonly #counted: Promise<void>
  readonly #closing = new AbortController()
  #written = 0

  constructor(folder: DiskFolder, options: DiskStoreOptions, held: AsyncDisposable) {
    this.#folder = folder
    this.#log = options.log
    this.#held = held
    this.#committer = new Committer({ sync: !options.unsafeNoSync })
    this.#counted = this.#count()
    this.#counted.catch(() => {}) // Whoever asks for the usage hears of it.
  }

  async put(
    { layout, index, bytes }: Shard,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<boolean> {
    if (!isShard(layout, index, bytes)) throw mismatch(layout, index)
    const place = this.#placeOf({ block: layout.block, layout: layoutId(layout), index })
    const head = encodeHead(layout, index)
    const size = head.length + bytes.length
    return this.#turns.take(place.file, async () => {
      const seen = await ifThere(stat(place.path))
      if (seen?.size === size) return false
      if (seen !== undefined) await this.#setAside(place, `it has ${seen.size} bytes`)
      await this.#writing.take(1, signal)
      this.#landing.add(place.file)
      try {
        await this.#write(place, [head, bytes])
      } catch (error) {
        throw this.#failure(`cannot keep shard ${place.file}`, error)
      } finally {
        this.#landing.delete(place.file)
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
    const handle = await ifThere(open(place.path))
    if (handle === undefined) return undefined
    let seen: Stats
    try {
      await using reading = handle
      seen = await reading.stat()
      return await readShardFile(reading, place.file, seen.size)
    } catch (error) {
      if (!isDreyError(error, 'corrupt')) throw error
      await this.#turns.take(place.file, async () => {
        const now = await ifThere(stat(place.path))
        // A good one may have come in its place meanwhile.
        if (now?.ino === seen.ino) await this.#setAside(place, error.message)
      })
      return undefined
    }
  }

  async has(name: ShardName): Promise<boolean> {
    const { file, path } = this.#placeOf(name)
    return (await ifThere(stat(path))) !== undefined && !this.#landing.has(file)
  }

  async shardsOf(block: Address): Promise<ShardName[]> {
    const beginning = `${formatAddress(block)}.`
    return (await readdir(this.#folder.shards(subfolderOf(block))))
      .filter((file) => file.startsWith(beginning) && !this.#landing.has(file))
      .map(parseShardName)
      .filter((name) => name !== undefined)
  }

  async *list(): AsyncGenerator<ShardName> {
    for (const subfolder of subfolders) {
      for await (const { name: file } of await opendir(this.#folder.shards(subfolder))) {
        const name = this.#nameIn(subfolder, file)
        if (name !== undefined && !this.#landing.has(file)) yield name
      }
    }
  }

  async delete(name: ShardName): Promise<boolean> {
    const place = this.#placeOf(name)
    return this.#turns.take(place.file, () => this.#remove(place, () => unlink(place.path)))
  }

  async usage(): Promise<StoreUsage> {
    await this.#counted
    const free = await freeBytesOf(this.#folder.path)
    return { shards: this.#census.shards, bytes: this.#census.bytes, free }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort(new Error('the store is closed'))
    await this.#counted.catch(() => {}) // It was told to stop.
    await this.#turns.idle()
    await this.#held[Symbol.asyncDispose]()
  }

  #placeOf(name: ShardName): Place {
    const [file, subfolder] = [formatShardName(name), subfolderOf(name.block)]
    return { file, subfolder, path: join(this.#folder.shards(subfolder), file) }
  }

  #nameIn(subfolder: string, file: string): ShardName | undefined {
    const name = parseShardName(file)
    return name !== undefined && subfolderOf(name.block) === subfolder ? name : undefined
  }

  async #write({ path }: Place, pieces: Uint8Array[]): Promise<void> {
    const unfinished = this.#folder.temporary(`${this.#written++}`)
    const handle = await open(unfinished, 'wx', 0o600)
    try {
      try {
        await writeAll(handle, pieces)
      } catch (error) {
        await handle.close()
        throw error
      }
      await this.#committer.commit(handle, unfinished, path)
    } catch (error) {
      await ifThere(unlink(unfinished))
      throw error
    }
  }

  /** Keeps what rotted out of everybody's way, and where somebody can look at it. */
  async #setAside(place: Place, why: string): Promise<void> {
    const gone = await this.#remove(place, () =>
      rename(place.path, this.#folder.quarantined(place.file)),
    )
    if (gone) this.#log.warn('a shard had rotted and was set aside', { shard: place.file, why })
  }

  /** In the name's turn. Whether it was there. */
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
      const known = files.filter((file) => this.#nameIn(subfolder, file) !== undefined)
      for (const file of files.filter((file) => !known.includes(file))) {
        this.#log.warn('a file in the store is not a shard and was ignored', { subfolder, file })
      }
      return known
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

  #failure(what: string, cause: unknown): Error {
    const code = errnoOf(cause)
    if (code !== 'ENOSPC' && code !== 'EDQUOT') {
      return new Error(`${what}: ${messageOf(cause)}`, { cause })
    }
    const how = 'make room there, or move the store to a larger disk'
    return new DreyError('full', `${what}: the disk of ${this.#folder.path} is full; ${how}`, {
      cause,
    })
  }
}

/** Where a shard is. */
interface Place {
  readonly subfolder: string
  readonly file: string
  readonly path: string
}

/** In one call, unless the system takes less at a time. */
async function writeAll(handle: FileHandle, pieces: Uint8Array[]): Promise<void> {
  let rest = pieces
  for (;;) {
    let { bytesWritten } = await handle.writev(rest)
    while (rest.length > 0 && bytesWritten >= rest[0]!.length) bytesWritten -= rest.shift()!.length
    if (rest.length === 0) return
    rest = [rest[0]!.subarray(bytesWritten), ...rest.slice(1)]
  }
}
