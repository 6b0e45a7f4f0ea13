import { formatAddress, type Address } from '../address/address.ts'
import { asBuffer, type Bytes } from '../base/bytes.ts'
import type { FindBlob, Range } from '../folder/folder.ts'
import type { Finding } from '../node/gather.ts'
import { ask, readReply, settleRead } from './ask.ts'
import { folderType, type BeginningReply } from './blobs.ts'
import type { Door, DoorReply } from './door.ts'

/** A blob by its address, with the key of a link if there is one. */
export interface Wanted {
  readonly address: Address
  readonly key?: Uint8Array
}

export interface FetchOptions {
  /** Which part, as a Range header says it (RFC 9110, 14.1.2). */
  readonly range?: string
  readonly signal: AbortSignal
}

/** A blob, or a part of it, that comes through a door. */
export interface Fetched {
  /** How many bytes come. */
  readonly size: number
  readonly isFolder: boolean
  /** Ends where the blob does, or throws the failure that the node tells of there. Whoever has begun to read and leaves stops the node. */
  readonly chunks: AsyncGenerator<Uint8Array>
  /** What the read has met, when all has been read. */
  readonly findings: readonly Finding[]
}

/** Begins to read a blob through a node's door. */
export async function fetchBlob(
  door: Door,
  wanted: Wanted,
  { range, signal }: FetchOptions,
): Promise<Fetched> {
  const headers = { ...keyHeader(wanted), ...(range === undefined ? {} : { range }) }
  const query = new URLSearchParams({ report: '' })
  const reply = await door({ ...request(wanted), method: 'GET', query, headers, signal })
  const size = Number(reply.headers['drey-length'])
  const findings: Finding[] = []
  const isFolder = reply.headers['content-type'] === folderType
  return { size, isFolder, chunks: chunksOf(reply, size, findings), findings }
}

async function* chunksOf(
  reply: DoorReply,
  size: number,
  findings: Finding[],
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of reply.body) {
    bytes += chunk.length
    yield chunk
  }
  findings.push(...settleRead(reply, { done: bytes, size }))
}

/** Finds blobs through a node's door. */
export function finderThrough(door: Door, signal: AbortSignal): FindBlob {
  return async (address, key) => {
    const wanted = { address, key }
    const query = new URLSearchParams()
    const asked = { ...request(wanted), method: 'HEAD', query, headers: keyHeader(wanted), signal }
    const { headers } = await door(asked)
    const read = (range: Range) => fetchRange(door, wanted, range, signal)
    return { address, size: Number(headers['drey-size']), read }
  }
}

/** All bytes of a part of a blob. */
export async function* fetchRange(
  door: Door,
  wanted: Wanted,
  { start, end }: Range,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (end <= start) return // No Range header says that.
  const { chunks } = await fetchBlob(door, wanted, { range: `bytes=${start}-${end - 1}`, signal })
  yield* chunks
}

/** How much of a stream is the beginning of a blob, as the node tells. */
export async function fetchBeginning(
  door: Door,
  wanted: Wanted,
  body: Bytes,
  signal: AbortSignal,
): Promise<BeginningReply> {
  const path = `/beginning/${formatAddress(wanted.address)}`
  return readReply(await ask(door, 'POST', path, { headers: keyHeader(wanted), body, signal }))
}

function request({ address }: Wanted) {
  return { path: `/blob/${formatAddress(address)}`, body: nothing() }
}

/** As `keyIn` reads it. */
export function keyHeader({ key }: Pick<Wanted, 'key'>): Record<string, string> {
  return key ? { 'drey-key': asBuffer(key).toString('base64url') } : {}
}

async function* nothing(): Bytes {}
