import { formatAddress, parseAddress, type Address } from '../address/address.ts'
import { parseLink } from '../address/link.ts'
import { peek } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import type { Random } from '../base/random.ts'
import { Folder, formatName, formatPath, placeOf as placeBelow } from '../folder/folder.ts'
import type { FindBlob, Place } from '../folder/folder.ts'
import { folderType } from '../gateway/blobs.ts'
import type { DoorReply } from '../gateway/door.ts'
import type { Names } from '../names/names.ts'
import { fileReply } from './file.ts'
import { folderReply, formOf } from './folder.ts'
import { keyTextOf, type Guard } from './guard.ts'
import { Kinds, type Kind } from './kinds.ts'
import { hrefOf } from './listings.ts'
import { parseType, typeOfName } from './mediaType.ts'
import type { Readings } from './readings.ts'
import type { Asked, Route } from './route.ts'

export interface BlobParts {
  readonly readings: Readings
  readonly names: Pick<Names, 'get'>
  readonly guard: Pick<Guard, 'logIn'>
  readonly random: Random
}

/** Where a reading begins. */
interface Root {
  readonly address: Address
  readonly key?: Uint8Array
  /** "/blob/ADDRESS" or "/name/NAME", and what people call it. */
  readonly path: string
  readonly title: string
  /** What it is may change when it was named. */
  readonly isNamed: boolean
}

type Reading = BlobParts & { readonly kinds: Kinds }

/** `GET /blob/ADDRESS/PATH` and `GET /name/NAME/PATH`: files, and what is in folders. */
export function blobRoutes(parts: BlobParts): Route[] {
  const reading = { ...parts, kinds: new Kinds() }
  const byAddress = async (asked: Asked) => read(rootOf(asked), asked, reading)
  const byName = async (asked: Asked) => {
    const title = asked.parts.name!
    const { address, key } = await parts.names.get(title)
    const path = `/name/${hrefOf(Buffer.from(title))}`
    return read({ address, ...(key && { key }), path, title, isNamed: true }, asked, reading)
  }
  return [
    { method: 'GET', path: '/blob/{address}', access: 'key', answer: byAddress },
    { method: 'GET', path: '/blob/{address}/{path}', access: 'key', answer: byAddress },
    { method: 'GET', path: '/name/{name}', access: 'token', answer: byName },
    { method: 'GET', path: '/name/{name}/{path}', access: 'token', answer: byName },
  ]
}

function rootOf({ parts, request }: Asked): Root {
  const address = parseAddress(parts.address!)
  const title = formatAddress(address)
  const keyText = keyTextOf(request)
  const key = keyText === undefined ? undefined : parseLink(`drey:${title}#${keyText}`).key
  return { address, ...(key && { key }), path: `/blob/${title}`, title, isNamed: false }
}

async function read(root: Root, asked: Asked, reading: Reading): Promise<DoorReply> {
  const { request, reader, below } = asked
  const { kinds, random, readings } = reading
  const wished = request.query.get('type')
  const type = wished === null ? undefined : parseType(wished)
  const find = readings.finder(reader, request.signal)
  const { entry, blob, folder } = await placeOf(find, root, below, kinds)
  if (blob === undefined) {
    const what = `"${formatPath(below)}" is a symbolic link: where it leads to is not followed`
    throw new DreyError('not-found', what)
  }
  const form = formOf(request)
  if (folder !== undefined && form !== 'raw') return show(folder, form, { root, asked, reading })
  const name = entry === undefined ? root.title : formatName(entry.name)
  const guessed = async () => typeOfName(name) ?? typeOf(await kinds.of(blob))
  const reply = fileReply(request, {
    ...{ blob, name, random, cacheControl: cachingOf(root, asked) },
    type: type ?? (folder ? folderType : await guessed()),
  })
  // What fails before the first byte is told with its status.
  return { ...reply, body: (await peek(reply.body, 1)).whole }
}

/** What stands there. Whether it is a folder is not looked up again for what was asked for before. */
async function placeOf(
  find: FindBlob,
  { address, key }: Root,
  below: readonly Uint8Array[],
  kinds: Kinds,
): Promise<Place> {
  const blob = await find(address, key)
  if (below.length > 0) return placeBelow(find, blob, below)
  return (await kinds.of(blob)).isFolder ? { blob, folder: await Folder.of(blob) } : { blob }
}

function show(
  folder: Folder,
  form: 'html' | 'json',
  { root, asked, reading }: { root: Root; asked: Asked; reading: Reading },
): DoorReply {
  const { request, below } = asked
  const { query } = request
  const key = keyTextOf(request)
  const shown = {
    folder,
    title: [root.title, ...below.map(formatName)].join('/'),
    path: [root.path, ...below.map(hrefOf)].join('/'),
    query: key === undefined ? '' : `?key=${key}`,
  }
  // What the page leads to is read with what the page was read with, and a token is in no page.
  const token = query.get('token')
  const cookie = form === 'html' && token !== null ? reading.guard.logIn(token) : undefined
  return folderReply(request, shown, { form, ...(cookie !== undefined && { cookie }) })
}

/** A token's reader may keep it, and nobody on the way: who has the URL alone may not read it. */
function cachingOf({ isNamed }: Root, { reader }: Asked): string {
  if (isNamed) return 'private, no-cache'
  return `${reader === 'trusted' ? 'private' : 'public'}, max-age=31536000, immutable`
}

function typeOf(kind: Kind): string {
  return kind.isFolder ? folderType : kind.type
}
