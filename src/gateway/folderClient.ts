import { formatAddress } from '../address/address.ts'
import type { Link } from '../address/link.ts'
import type { Bytes } from '../base/bytes.ts'
import { FolderCache } from '../folder/cache.ts'
import type { Folder, Range } from '../folder/folder.ts'
import { restoreTree, type RestoreOptions } from '../folder/restore.ts'
import { TreeStoring, type StoredTree, type TreeOptions } from '../folder/store.ts'
import { ask, readReply } from './ask.ts'
import type { BatchOutcome } from './batch.ts'
import { LazyBatch } from './batchClient.ts'
import { fetchBeginning, fetchRange, finderThrough } from './blobClient.ts'
import type { Door } from './door.ts'
import type { ListReply } from './leases.ts'

export interface StoreFolderOptions extends TreeOptions {
  /** Its lease and its code, as `PUT /blob` takes them. */
  readonly query: URLSearchParams
  /** The file that says what was stored before. Without it everything is read. */
  readonly cache?: string
}

/** A folder that was stored. */
export interface StoredFolder {
  readonly stored: StoredTree
  /** None when nothing had changed. */
  readonly outcome?: BatchOutcome
}

/**
 * Stores what has changed of a folder of this machine, through a node's door. The node is asked for nothing more
 * when that is nothing, and all is wanted already. When it fails, nothing of it is kept.
 */
export async function storeFolder(
  door: Door,
  path: string,
  options: StoreFolderOptions,
): Promise<StoredFolder> {
  const { query, cache: file, signal } = options
  using cache = file === undefined ? FolderCache.inMemory() : FolderCache.open(file)
  const batch = new LazyBatch(door, query, signal)
  try {
    const storing = new TreeStoring({ sink: batch, cache }, options)
    const stored = await storing.store(path)
    if (!batch.isOpen && (await isWanted(door, stored, options))) return { stored }
    await storing.reuse()
    return { stored, outcome: await batch.finish(stored) }
  } catch (error) {
    batch.abandon(error)
    throw error
  }
}

/** Whether it is leased for as long as is asked for: then all of it is still there. */
async function isWanted(
  door: Door,
  { address }: StoredTree,
  { query: wish, signal }: StoreFolderOptions,
): Promise<boolean> {
  if (wish.has('lease')) return false
  const query = new URLSearchParams({ search: formatAddress(address) })
  const list = await readReply<ListReply>(await ask(door, 'GET', '/list', { query, signal }))
  return list.blobs.some(({ expires }) => expires === null)
}

/** Writes a stored folder to this machine, through a node's door; `restoreTree` says how. */
export async function fetchFolder(
  door: Door,
  folder: Folder,
  path: string,
  options: RestoreOptions,
): Promise<{ files: number; bytes: number }> {
  const find = finderThrough(door, options.signal)
  const read = (file: Link, range: Range, signal: AbortSignal) =>
    fetchRange(door, file, range, signal)
  const beginning = async (file: Link, content: Bytes, signal: AbortSignal) =>
    (await fetchBeginning(door, file, content, signal)).bytes
  return restoreTree(folder, path, { find, read, beginning }, options)
}
