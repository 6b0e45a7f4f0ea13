import { formatAddress } from '../address/address.ts'
import { folderType } from '../gateway/blobs.ts'
import type { DoorReply, DoorRequest } from '../gateway/door.ts'
import { checkConditions } from './conditions.ts'
import { nothing } from './file.ts'
import { htmlListing, jsonListing, type Shown } from './listings.ts'
import { pageHeaders } from './page.ts'

/** How a folder is given: for people, for programs, or as its blob is. */
export type Form = 'html' | 'json' | 'raw'

const types: Readonly<Record<string, Form>> = {
  'text/html': 'html',
  'application/xhtml+xml': 'html',
  'application/json': 'json',
  [folderType]: 'raw',
}

/** The form that the Accept header likes best (RFC 9110, 12.5.1); JSON where it does not care. */
export function formOf({ headers }: DoorRequest): Form {
  const liked = (headers.accept ?? '').split(',').map((one) => {
    const [type = '', ...rest] = one.split(';').map((part) => part.trim().toLowerCase())
    const quality = rest.find((part) => part.startsWith('q='))
    return { form: types[type], quality: quality === undefined ? 1 : Number(quality.slice(2)) }
  })
  const known = liked.filter(({ form, quality }) => form !== undefined && quality > 0)
  return known.toSorted((a, b) => b.quality - a.quality)[0]?.form ?? 'json'
}

/**
 * What is in a folder. Its address says what that is, and not how it looks: a later Drey may show it in another
 * way, so it is asked for again, with a weak ETag.
 */
export function folderReply(
  request: DoorRequest,
  shown: Shown,
  { form, cookie }: { form: 'html' | 'json'; cookie?: string },
): DoorReply {
  const etag = `W/"${formatAddress(shown.folder.blob.address)}.${form}"`
  const headers = {
    ...(form === 'html' ? pageHeaders : { 'content-type': 'application/json' }),
    ...{ etag, vary: 'accept', 'cache-control': 'private, no-cache' },
    ...(cookie === undefined ? {} : { 'set-cookie': cookie }),
  }
  if (checkConditions(request, etag) === 304) return { status: 304, headers, body: nothing() }
  const listing = form === 'html' ? htmlListing : jsonListing
  return { status: 200, headers, body: request.method === 'HEAD' ? nothing() : listing(shown) }
}
