import { basename, resolve } from 'node:path'
import { formatAddress } from '../address/address.ts'
import { parseHash } from '../address/hash.ts'
import { formatLink } from '../address/link.ts'
import { DreyError } from '../base/error.ts'
import { dataFolder } from '../daemon/folder.ts'
import { bytesBelow } from '../folder/measure.ts'
import type { StoredTree } from '../folder/store.ts'
import { storeFolder } from '../gateway/folderClient.ts'
import { leftOut } from './leftOut.ts'
import { formatSize, note, say } from './output.ts'
import { Progress } from './progress.ts'
import { putQuery, type PutCommand } from './put.ts'
import { holdersAt, openVisit } from './visit.ts'

const shownMax = 10

/** `drey put DIR`: stores a folder with all that is in it. */
export async function putFolder(
  path: string,
  options: PutCommand,
  signal: AbortSignal,
): Promise<void> {
  const whole = resolve(path)
  const tree = {
    query: putQuery(basename(whole), options),
    cache: options.cache ? dataFolder(options.data).folderCache : undefined,
    isLeftOut: leftOut(options),
    hash: parseHash(options.hash),
    signal,
  }
  await using visit = await openVisit(options)
  using progress = new Progress(options, 'put', { holders: holdersAt(visit.door) })
  void progress.expect((over) => bytesBelow(Buffer.from(whole), { ...tree, signal: over }))
  const passed = (bytes: number) => progress.add(bytes)
  const { stored, outcome } = await storeFolder(visit.door, whole, { ...tree, passed })
  progress[Symbol.dispose]()
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

function tellFailed(failed: StoredTree['failed'], options: PutCommand): void {
  if (failed.length === 0) return
  for (const { path, why } of failed.slice(0, shownMax)) note(options, `left out: ${path}: ${why}`)
  const hint = 'all else is stored; leave them out with --exclude, or make them readable'
  throw new DreyError('bad-input', `${failed.length} things could not be stored: ${hint}`)
}
