import { formatAddress } from '../address/address.ts'
import { formatLink } from '../address/link.ts'
import { DreyError } from '../base/error.ts'
import { parsePath, placeOf, type Place } from '../folder/folder.ts'
import { finderThrough, keyHeader } from '../gateway/blobClient.ts'
import type { LinkReply } from '../gateway/blobs.ts'
import type { Door } from '../gateway/door.ts'
import { formatSize, note, say, type Global } from './output.ts'
import { resolve, type Resolved } from '../gateway/reference.ts'
import { ask, openVisit, readReply } from './visit.ts'

/** `drey share ADDRESS[/path]` */
export async function shareCommand(
  text: string,
  options: Global,
  signal: AbortSignal,
): Promise<void> {
  await using visit = await openVisit(options)
  const { door } = visit
  const wanted = await resolve(door, text, { signal })
  const place = await placeOfAll(door, wanted, signal)
  const link = await linkTo(door, wanted, place, signal)
  const { size } = place.blob!
  const isFolder = place.folder !== undefined
  say(options, { link, isFolder, size }, link)
  const what = isFolder ? 'this folder and everything below it' : `this file (${formatSize(size)})`
  note(
    options,
    `whoever has this link can read ${what}, and nothing else; that cannot be taken back`,
  )
  note(
    options,
    'to fetch it takes a member of this swarm: its own node, a node’s HTTP door, or an export',
  )
  note(options, 'it stays readable for as long as anybody keeps it: drey rm ends that, and no link')
}

async function placeOfAll(
  door: Door,
  { address, key, path = '' }: Resolved,
  signal: AbortSignal,
): Promise<Place> {
  const find = finderThrough(door, signal)
  const place = await placeOf(find, await find(address, key), parsePath(path))
  if (place.blob !== undefined) return place
  throw new DreyError('bad-input', `"${path}" is a symbolic link: share what it leads to`)
}

/** What stands in a folder has its link there; of a blob that was named by its address, the node knows the key. */
async function linkTo(
  door: Door,
  wanted: Resolved,
  { entry }: Place,
  signal: AbortSignal,
): Promise<string> {
  if (entry !== undefined && entry.type !== 'symlink') return formatLink(entry.link)
  const path = `/link/${formatAddress(wanted.address)}`
  const reply = await ask(door, 'GET', path, { headers: keyHeader(wanted), signal })
  return (await readReply<LinkReply>(reply)).link
}
