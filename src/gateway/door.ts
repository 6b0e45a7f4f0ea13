import { parseLink } from '../address/link.ts'
import type { Bytes } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'

/** What is asked of a door, whoever carries it. Header names are in lower case. */
export interface DoorRequest {
  readonly method: string
  /** Decoded; what is not UTF-8 in it is a replacement character. */
  readonly path: string
  /** As it was sent: names of files are any bytes. */
  readonly rawPath?: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Bytes
  /** Aborted when the asker has gone. */
  readonly signal: AbortSignal
}

/** What it answers. A body's chunk is read until the next one is asked for. */
export interface DoorReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Bytes
  /** Said after the body: what is only known then. */
  readonly trailers?: () => Record<string, string>
}

/** A function from a request to a reply. What it throws becomes an error reply at the adapter. */
export type Door = (request: DoorRequest) => Promise<DoorReply>

/** A door for some requests: `undefined` for those that are none of its business. */
export type PartDoor = (request: DoorRequest) => Promise<DoorReply> | undefined

/** One door of several: each request is answered by the first whose business it is. */
export function doorOf(...parts: readonly PartDoor[]): Door {
  return async (request) => {
    for (const part of parts) {
      const reply = part(request)
      if (reply !== undefined) return reply
    }
    throw new DreyError('not-found', `this door has no ${request.method} ${request.path}`)
  }
}

/** The key of a link to this address, in the header `drey-key` as links have it. Throws 'bad-input'. */
export function keyIn(headers: DoorRequest['headers'], address: string): Uint8Array | undefined {
  const text = headers['drey-key']
  return text === undefined ? undefined : parseLink(`drey:${address}#${text}`).key
}

export function jsonReply(value: unknown, status = 200): DoorReply {
  const text = Buffer.from(`${JSON.stringify(value)}\n`)
  return bytesReply(text, { 'content-type': 'application/json' }, status)
}

export function bytesReply(
  bytes: Uint8Array,
  headers: Readonly<Record<string, string>>,
  status = 200,
): DoorReply {
  return {
    status,
    headers: { ...headers, 'content-length': String(bytes.length) },
    body: once(bytes),
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
