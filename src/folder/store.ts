import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { BigIntStats, Dir } from 'node:fs'
import { opendir, readlink } from 'node:fs/promises'
import { hashCodes, type HashName } from '../address/hash.ts'
import type { Link } from '../address/link.ts'
import type { Bytes } from '../base/bytes.ts'
import { messageOf } from '../base/error.ts'
import { Tasks, type Begin } from '../base/tasks.ts'
import type { FolderCache, Known, Reused } from './cache.ts'
import type { Attributes, Entry } from './entry.ts'
import { formatName } from './folder.ts'
import { writeListing } from './listing.ts'
import { attributesOf, childOf, lstatOf, openLocal, signsOf } from './local.ts'
import type { Sink } from './sink.ts'

const noName = new Uint8Array()

const defaults = {
  filesAhead: 16, // Small ones wait for the disks of their holders, not for each other.
  keptAhead: 256, // They are asked about together.
  settledNs: 1_000_000_000n, // What was changed less than a second ago may change again and look the same.
} as const

export interface TreeParts {
  readonly sink: Sink
  readonly cache: FolderCache
}

export interface TreeOptions {
  /** Whether something is left out, by its path below the folder. */
  readonly isLeftOut?: (path: string, isFolder: boolean) => boolean
  /** So many bytes of files have been passed, read or not. */
  readonly passed?: (bytes: number) => void
  /** Of the addresses; BLAKE3 without. */
  readonly hash?: HashName
  readonly signal: AbortSignal
}

/** What became of a tree. */
export interface StoredTree extends Link {
  /** Bytes of all files below, and how many things there are. */
  readonly size: number
  readonly count: number
  /** What could not be read, and why; all else is stored. */
  readonly failed: readonly { readonly path: string; readonly why: string }[]
}

/** A folder that is being made. */
interface Making {
  readonly number: number
  readonly path: Buffer
  readonly name: Uint8Array
  readonly attributes: Attributes
  /** None for the folder that is stored. */
  readonly parent?: Making
  size: number
  count: number
  /** Things in it that are not stored yet, and one while it is read. */
  pending: number
}

/**
 * Stores a folder of this machine with all that is in it; `listing.ts` says as what. It walks down the tree and
 * puts what it finds, several at once; a folder's listing is made when the last thing in it is stored. What has
 * not changed since it was stored is not read: `reuse` makes sure that it is still there.
 */
export class TreeStoring {
  readonly #parts: TreeParts
  readonly #options: TreeOptions
  readonly #tasks: Tasks
  readonly #begin: Begin
  readonly #failed: { path: string; why: string }[] = []
  readonly #folders = new Map<number, Making>()
  #numbers = 0
  #root: Known | undefined

  constructor(parts: TreeParts, options: TreeOptions) {
    this.#parts = parts
    this.#options = options
    this.#tasks = new Tasks(options.signal)
    this.#begin = this.#tasks.lane(defaults.filesAhead)
  }

  /** Stores what is not known. Throws what the folder itself throws when it is opened, and what the sink throws. */
  async store(path: string): Promise<StoredTree> {
    const local = Buffer.from(path)
    const opened = await openFolder(local)
    const root = this.#make(local, attributesOf(await lstatOf(local)))
    await this.#read(root, opened, '').catch((error: unknown) => this.#tasks.fail(error))
    await this.#tasks.done()
    const { size, count } = root
    return { ...this.#root!, size, count, failed: this.#failed }
  }

  /** Wants what was known before; what is not there any more is stored again. */
  async reuse(): Promise<void> {
    const { sink, cache } = this.#parts
    const tasks = new Tasks(this.#options.signal)
    const begin = tasks.lane(defaults.keptAhead)
    for (const reused of cache.reused()) {
      if (tasks.signal.aborted) break
      await begin(async () => {
        if (!(await sink.keep(reused))) await this.#storeAgain(reused)
      })
    }
    await tasks.done()
  }

  async #read(folder: Making, opened: Dir, below: string): Promise<void> {
    try {
      for await (const found of opened) {
        this.#tasks.signal.throwIfAborted()
        const name = found.name as unknown as Buffer
        const shown = `${below}${name.toString('utf8')}`
        if (this.#options.isLeftOut?.(shown, found.isDirectory())) continue
        await this.#take(folder, name, shown)
      }
    } finally {
      this.#settle(folder)
    }
  }

  async #take(folder: Making, name: Buffer, shown: string): Promise<void> {
    const path = childOf(folder.path, name)
    try {
      const stats = await lstatOf(path)
      const attributes = attributesOf(stats)
      if (stats.isDirectory()) {
        const opened = await openFolder(path)
        folder.pending += 1
        return await this.#read(this.#make(path, attributes, folder, name), opened, `${shown}/`)
      }
      if (stats.isFile()) return await this.#takeFile(folder, name, path, stats)
      if (!stats.isSymbolicLink()) {
        const why = 'it is neither a file nor a folder nor a symbolic link'
        return void this.#failed.push({ path: formatName(path), why })
      }
      const target = await readlink(path, { encoding: 'buffer' })
      this.#add(folder, { name, ...attributes, type: 'symlink', target })
    } catch (error) {
      this.#noteFailure(path, error)
    }
  }

  async #takeFile(folder: Making, name: Buffer, path: Buffer, stats: BigIntStats): Promise<void> {
    const { cache } = this.#parts
    const attributes = attributesOf(stats)
    const add = (link: Link, size: number) =>
      this.#add(folder, { name, ...attributes, type: 'file', link, size }, size)
    const known = cache.file(path, signsOf(stats))
    if (known !== undefined && this.#isWanted(known)) {
      const { address, key, size } = known
      cache.noteReused({ path, address, size, folder: null })
      this.#options.passed?.(size)
      return add({ address, key }, size)
    }
    folder.pending += 1
    await this.#begin(async () => {
      try {
        const { address, key, size } = await this.#storeFile(path)
        add({ address, key }, size)
      } catch (error) {
        this.#noteFailure(path, error)
      } finally {
        this.#settle(folder)
      }
    })
  }

  async #storeFile(path: Buffer): Promise<Known> {
    const { sink, cache } = this.#parts
    await using file = await openLocal(path)
    const { signs } = file
    let read = 0
    const passed = (bytes: number) => {
      read += bytes
      this.#options.passed?.(bytes)
    }
    const stored = await sink.put(file.bytes(passed))
    assert.equal(stored.size, read, 'all that was read is stored')
    const isSettled = BigInt(Date.now()) * 1_000_000n - signs.changed > defaults.settledNs
    if (isSettled && (await file.isUnchanged())) cache.noteFile(path, signs, stored)
    return stored
  }

  /** One thing less to wait for; after the last one the folder's listing is stored. */
  #settle(folder: Making): void {
    folder.pending -= 1
    if (folder.pending > 0) return
    void this.#begin(async () => {
      const { address, key } = await this.#storeListing(folder)
      const { parent, size, count, name, attributes } = folder
      if (parent === undefined) {
        this.#root = { address, key, size }
        return
      }
      const link = { address, key }
      this.#add(parent, { name, ...attributes, type: 'folder', link, size, count }, size, count)
      this.#settle(parent)
    })
  }

  async #storeListing(folder: Making): Promise<Known> {
    const { cache, sink } = this.#parts
    const hash = createHash('sha256')
    for (const page of this.#listing(folder)) hash.update(page)
    const digest = hash.digest()
    const { path, number } = folder
    const known = cache.listing(path, digest)
    if (known !== undefined && this.#isWanted(known)) {
      cache.noteReused({ path, address: known.address, size: known.size, folder: number })
      this.#folders.set(number, folder)
      return known
    }
    const stored = await sink.put(pulled(this.#listing(folder)))
    cache.noteListing(path, digest, stored)
    return stored
  }

  #isWanted({ address }: Known): boolean {
    return address.multihash.code === hashCodes[this.#options.hash ?? 'blake3']
  }

  #listing({ attributes, number }: Making): Generator<Uint8Array> {
    return writeListing(attributes, this.#parts.cache.entriesOf(number))
  }

  async #storeAgain({ path, address, folder }: Reused): Promise<void> {
    const making = folder === null ? undefined : this.#folders.get(folder)
    const stored = making
      ? await this.#parts.sink.put(pulled(this.#listing(making)))
      : await this.#storeFile(Buffer.from(path))
    if (stored.address.equals(address)) return
    throw new Error(`${formatName(path)} was changed while the folder was stored: store it again`)
  }

  #make(path: Buffer, attributes: Attributes, parent?: Making, name: Uint8Array = noName): Making {
    const number = (this.#numbers += 1)
    return { number, path, name, attributes, parent, size: 0, count: 0, pending: 1 }
  }

  #add(folder: Making, entry: Entry, size = 0, below = 0): void {
    this.#parts.cache.add(folder.number, entry)
    folder.size += size
    folder.count += 1 + below
  }

  /** A file system's failure is one thing that is left out; any other ends it all. */
  #noteFailure(path: Uint8Array, error: unknown): void {
    this.#tasks.signal.throwIfAborted()
    if (!isOfFiles(error)) throw error
    this.#failed.push({ path: formatName(path), why: messageOf(error) })
  }
}

async function* pulled(pages: Iterable<Uint8Array>): Bytes {
  yield* pages
}

function isOfFiles(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}

/** Names come as bytes, which Node's types do not say. */
function openFolder(path: Buffer): Promise<Dir> {
  return opendir(path, { encoding: 'buffer' as BufferEncoding })
}
