import { basename, resolve } from 'node:path'
import { formatAddress } from '../address/address.ts'
import { parseHash } from '../address/hash.ts'
import { formatLink } from '../address/link.ts'
import { DreyError } from '../base/error.ts'
import { dataFolder } from '../daemon/folder.ts'
import { FolderCache } from '../folder/cache.ts'
import { TreeStoring, type StoredTree, type TreeOptions } from '../folder/store.ts'
import type { BatchOutcome } from '../gateway/batch.ts'
import { LazyBatch } from '../gateway/batchClient.ts'
import type { Door } from '../gateway/door.ts'
import type { ListReply } from '../gateway/leases.ts'
import { leftOut } from './leftOut.ts'
import { formatSize, note, say } from './output.ts'
import { Progress } from './progress.ts'
import { putQuery, type PutCommand } from './put.ts'
import { ask, openVisit, readReply } from './visit.ts'

const shownMax = 10

interface Put {
  readonly stored: StoredTree
  /** None when nothing had changed. */
  readonly outcome?: BatchOutcome
}

/** `drey put DIR`: stores a folder with all that is in it. */
export async function putFolder(
  path: string,
  options: PutCommand,
  signal: AbortSignal,
): Promise<void> {
  const isLeftOut = leftOut(options)
  const hash = parseHash(options.hash)
  await using visit = await openVisit(options)
  const { stored, outcome } = await show(options, (passed) =>
    put(path, visit.door, options, { isLeftOut, passed, hash, signal }),
  )
  const { size, count, failed } = stored
  const address = formatAddress(stored.address)
  const link = formatLink(stored)
  const isNew = outcome
    ? `${formatSize(outcome.newBytes)} of it new; ${outcome.summary}`
    : 'nothing of it new'
  note(options, `${count} files and folders, ${formatSize(size)} stored, ${isNew}`)
  const told = { address, link, size, count, failed, newBytes: 0, ...outcome }
  say(options, told, options.link ? link : address)
  tellFailed(failed, options)
}

async function show(options: PutCommand, work: (passed: (bytes: number) => void) => Promise<Put>) {
  using progress = new Progress(options, 'put')
  return await work((bytes) => progress.add(bytes))
}

/** Stores what has changed. The node is asked for nothing more when that is nothing, and all is wanted already. */
async function put(path: string, door: Door, options: PutCommand, tree: TreeOptions): Promise<Put> {
  const file = dataFolder(options.data).folderCache
  using cache = options.cache ? FolderCache.open(file) : FolderCache.inMemory()
  const query = putQuery(basename(resolve(path)), options)
  const batch = new LazyBatch(door, query, tree.signal)
  try {
    const storing = new TreeStoring({ sink: batch, cache }, tree)
    const stored = await storing.store(resolve(path))
    if (!batch.isOpen && (await isWanted(stored, door, options, tree.signal))) return { stored }
    await storing.reuse()
    return { stored, outcome: await batch.finish(stored) }
  } catch (error) {
    batch.abandon(error)
    throw error
  }
}

/** Whether it is leased for as long as is asked for: then all of it is still there. */
async function isWanted(
  { address }: StoredTree,
  door: Door,
  options: PutCommand,
  signal: AbortSignal,
): Promise<boolean> {
  if (options.expires !== undefined) return false
  const query = new URLSearchParams({ search: formatAddress(address) })
  const list = await readReply<ListReply>(await ask(door, 'GET', '/list', { query, signal }))
  return list.blobs.some(({ expires }) => expires === null)
}

function tellFailed(failed: StoredTree['failed'], options: PutCommand): void {
  if (failed.length === 0) return
  for (const { path, why } of failed.slice(0, shownMax)) note(options, `left out: ${path}: ${why}`)
  const hint = 'all else is stored; leave them out with --exclude, or make them readable'
  throw new DreyError('bad-input', `${failed.length} things could not be stored: ${hint}`)
}
