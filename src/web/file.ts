import { formatAddress } from '../address/address.ts'
import type { Bytes } from '../base/bytes.ts'
import type { Random } from '../base/random.ts'
import type { OpenBlob } from '../folder/folder.ts'
import type { DoorReply, DoorRequest } from '../gateway/door.ts'
import { parseRanges } from '../gateway/range.ts'
import { checkConditions, rangeWanted } from './conditions.ts'
import { attachment } from './disposition.ts'
import { multipartOf } from './multipart.ts'
import { Refusal } from './refusal.ts'

export interface FileParts {
  readonly blob: OpenBlob
  readonly type: string
  /** What it is saved as where `?download` says no name. */
  readonly name: string
  readonly cacheControl: string
  readonly random: Random
}

/**
 * What is stored is anybody's: whatever a browser takes it for, it runs nothing, loads nothing from elsewhere,
 * and is of no origin, so that it cannot act with the rights of those who look at it. Films and sound run nothing
 * anyway; Chromium fetches them once more for the page that it makes around them, and has to be of their origin.
 */
const sealed = [
  "default-src 'none'",
  ...["img-src 'self' data:", "media-src 'self' data:", "font-src 'self' data:"],
  "style-src 'self' 'unsafe-inline' data:",
  "frame-ancestors 'self'",
].join('; ')

/** A file, or the ranges of it that are asked for (RFC 9110, 13 and 14). Nothing is read for HEAD and 304. */
export function fileReply(request: DoorRequest, parts: FileParts): DoorReply {
  const { blob, type, name, cacheControl, random } = parts
  const etag = `"${formatAddress(blob.address)}"`
  const download = request.query.get('download')
  const common = {
    'content-security-policy': /^(audio|video)\//.test(type) ? sealed : `sandbox; ${sealed}`,
    ...{ etag, 'cache-control': cacheControl, 'accept-ranges': 'bytes' },
    ...(download === null ? {} : { 'content-disposition': attachment(download || name) }),
  }
  if (checkConditions(request, etag) === 304)
    return { status: 304, headers: common, body: nothing() }
  const ranges = parseRanges(rangeWanted(request, etag), blob.size)
  if (ranges === 'unsatisfiable') {
    const why = `no such range: there are ${blob.size} bytes, and 32 ranges may be asked for at a time`
    throw new Refusal(416, why, { 'content-range': `bytes */${blob.size}` })
  }
  const isWhole = request.method === 'HEAD' || blob.size === 0
  if (isWhole || ranges === undefined) {
    const headers = { ...common, 'content-type': type, 'content-length': String(blob.size) }
    const body = isWhole ? nothing() : blob.read({ start: 0, end: blob.size })
    return { status: 200, headers, body }
  }
  const [first, ...others] = ranges
  if (others.length > 0) {
    const multipart = multipartOf(blob, ranges, { type, random })
    const length = { 'content-type': multipart.type, 'content-length': String(multipart.size) }
    return { status: 206, headers: { ...common, ...length }, body: multipart.body() }
  }
  const { start, end } = first!
  const part = {
    ...{ 'content-type': type, 'content-length': String(end - start) },
    'content-range': `bytes ${start}-${end - 1}/${blob.size}`,
  }
  return { status: 206, headers: { ...common, ...part }, body: blob.read({ start, end }) }
}

export async function* nothing(): Bytes {}
