import { formatAddress, parseAddress } from '../address/address.ts'
import { parseHash, type HashName } from '../address/hash.ts'
import { formatLink } from '../address/link.ts'
import { peek } from '../base/bytes.ts'
import { isListing, magic } from '../folder/listing.ts'
import { parseCode, type Code } from '../coding/code.ts'
import type { Finding } from '../node/gather.ts'
import type { Found } from '../node/locate.ts'
import type { Orchestrator } from '../node/orchestrator.ts'
import { describeReceipt, type Receipt } from '../node/receipt.ts'
import type { DoorReply, DoorRequest, PartDoor } from './door.ts'
import { jsonReply, keyIn } from './door.ts'
import { errorBody } from './errors.ts'
import { readLeaseWish } from './leases.ts'
import { parseRange } from './range.ts'

/** What a put answers. */
export interface PutReply extends Receipt {
  /** What names the blob, and is the same whoever stores it in this swarm. */
  readonly address: string
  /** What reads it without the read secret: whoever has it can. */
  readonly link: string
  /** Bytes of its content. */
  readonly size: number
  /** What was achieved, in words. */
  readonly summary: string
}

/** What `GET /find/ADDRESS` answers. */
export interface FindReply {
  /** The address that was asked for. */
  readonly address: string
  /** What each way of finding holders has led to, in the order in which they were tried. */
  readonly layers: readonly Found[]
}

/** What `POST /beginning/ADDRESS` answers. */
export interface BeginningReply {
  /** How many bytes of what was sent are the beginning of the blob. */
  readonly bytes: number
  /** Of the blob. */
  readonly size: number
}

/** What `GET /link/ADDRESS` answers: what reads a blob anywhere. */
export interface LinkReply {
  readonly link: string
  readonly size: number
}

/** Blobs over HTTP: `PUT /blob`, `GET /blob/ADDRESS`, `POST /beginning/ADDRESS`, `GET /link/ADDRESS`, `GET /find/ADDRESS`. */
export function blobDoor(node: Orchestrator): PartDoor {
  return (request) => {
    const { method, path } = request
    if (path === '/blob' && method === 'PUT') return putBlob(node, request)
    const match = /^\/blob\/([^/]+)$/.exec(path)
    if (match && (method === 'GET' || method === 'HEAD')) return getBlob(node, request, match[1]!)
    const begun = /^\/beginning\/([^/]+)$/.exec(path)?.[1]
    if (begun !== undefined && method === 'POST') return compareBeginning(node, request, begun)
    const linked = /^\/link\/([^/]+)$/.exec(path)?.[1]
    if (linked !== undefined && method === 'GET') return linkOf(node, request, linked)
    const sought = /^\/find\/([^/]+)$/.exec(path)
    if (sought && method === 'GET') return findBlob(node, request, sought[1]!)
    return undefined
  }
}

/** For whoever has a part of it, and would go on behind that. */
async function compareBeginning(
  node: Orchestrator,
  { headers, body, signal }: DoorRequest,
  name: string,
): Promise<DoorReply> {
  const blob = await node.find(parseAddress(name), keyIn(headers, name), { signal })
  const bytes = await node.beginning(blob, body, { signal })
  const reply: BeginningReply = { bytes, size: blob.size }
  return jsonReply(reply)
}

async function linkOf(
  node: Orchestrator,
  { headers, signal }: DoorRequest,
  name: string,
): Promise<DoorReply> {
  const { address, key, size } = await node.find(parseAddress(name), keyIn(headers, name), {
    signal,
  })
  const reply: LinkReply = { link: formatLink({ address, key }), size }
  return jsonReply(reply)
}

async function findBlob(
  node: Orchestrator,
  request: DoorRequest,
  name: string,
): Promise<DoorReply> {
  const address = parseAddress(name)
  const layers = await node.locate(address, { signal: request.signal })
  const reply: FindReply = { address: formatAddress(address), layers }
  return jsonReply(reply)
}

/** What a blob is that is a folder's listing. */
export const folderType = 'application/vnd.drey.folder'

/** How a blob is to be stored. */
export interface PutWish {
  readonly hash?: HashName
  readonly code?: Code
}

/** `?hash=` and `?code=`. Throws 'bad-input'. */
export function readPutWish(query: URLSearchParams): PutWish {
  const hash = parseHash(query.get('hash') ?? undefined)
  const code = query.get('code')
  return { hash, code: code === null ? undefined : parseCode(code) }
}

async function putBlob(node: Orchestrator, request: DoorRequest): Promise<DoorReply> {
  const stored = await node.put(request.body, {
    ...readPutWish(request.query),
    lease: readLeaseWish(request.query),
    signal: request.signal,
  })
  const { address, key, size, receipt } = stored
  const reply: PutReply = {
    address: formatAddress(address),
    link: formatLink({ address, key }),
    size,
    ...receipt,
    summary: describeReceipt(receipt),
  }
  return jsonReply(reply, 201)
}

/**
 * A blob or one range of it. With `?report` the length is not announced, and what the read met, and how
 * it failed if it did, comes in trailers: a failure after the first byte could not be told otherwise.
 */
async function getBlob(node: Orchestrator, request: DoorRequest, name: string): Promise<DoorReply> {
  const { headers, signal, query } = request
  const address = parseAddress(name)
  const key = keyIn(headers, name)
  const findings: Finding[] = []
  const found = (finding: Finding) => void findings.push(finding)
  const blob = await node.find(address, key, { signal, found })
  const range = parseRange(headers.range, blob.size) ?? { start: 0, end: blob.size }
  const isPart = range.end - range.start < blob.size
  const content = request.method === 'HEAD' ? nothing() : node.read(blob, range, { signal, found })
  // What fails before the first byte is told with its status; and that byte tells a folder from a file.
  const { start, whole: body } = await peek(content, magic.length)
  const common = {
    'content-type': range.start === 0 && isListing(start) ? folderType : 'application/octet-stream',
    'accept-ranges': 'bytes',
    etag: `"${name}"`,
    'drey-size': String(blob.size),
    ...(isPart ? { 'content-range': `bytes ${range.start}-${range.end - 1}/${blob.size}` } : {}),
  }
  const status = isPart ? 206 : 200
  if (!query.has('report')) {
    const length = { 'content-length': String(range.end - range.start) }
    return { status, headers: { ...common, ...length }, body }
  }
  let failure: unknown
  return {
    status,
    headers: { ...common, 'drey-length': String(range.end - range.start) },
    body: tolerant(body, (error) => (failure = error)),
    trailers: () => ({
      'drey-findings': encodeURIComponent(JSON.stringify(findings)),
      ...(failure === undefined
        ? {}
        : { 'drey-error': encodeURIComponent(JSON.stringify(errorBody(failure))) }),
    }),
  }
}

/** Ends where the source fails, and says so. */
async function* tolerant(
  source: AsyncIterable<Uint8Array>,
  failed: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* source
  } catch (error) {
    failed(error)
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
