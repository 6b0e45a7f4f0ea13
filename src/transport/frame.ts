import * as dagCbor from '@ipld/dag-cbor'
import { asBuffer } from '../base/bytes.ts'
import { DreyError, messageOf, type ErrorCode } from '../base/error.ts'
import type { Header } from './transporter.ts'

/**
 * What two members say to each other, inside TLS. A connection is a row of frames each way:
 *
 *     offset  size  what
 *          0     1  type
 *          1     3  length of the body, big-endian; 65,536 at most
 *          4     4  request id, big-endian; 0 where the frame is about no request
 *          8     …  body
 *
 *     type                 id       body
 *      1  hello            0        DAG-CBOR map: what this side speaks and grants (`Hello`)
 *      2  request          new      DAG-CBOR list: [payload's size or null, header]
 *      3  response         asked    the same
 *      4  error            asked    DAG-CBOR list: [code, message], both texts
 *      5  request payload  asked    a piece of the payload, in order
 *      6  response payload asked    a piece of the payload, in order
 *      7  cancel           asked    empty: who asked no longer waits
 *      8  credit           0        two numbers of 4 bytes, big-endian: bytes of request payload, and
 *                                   of response payload, that may be sent on top
 *      9  ping             any      empty
 *     10  pong             as ping  empty
 *     11  bye              0        DAG-CBOR list: [reason]: nothing new will be asked here
 *
 * - `hello` is each side's first frame (`bye` may stand in its place). Both speak the same version.
 * - Each side numbers its own requests, and does not use an id again before the request's end. Every
 *   request has exactly one end: the last byte of a complete response, or an error, which may also
 *   cut a response's payload short. A cancelled request ends too, usually with an error.
 * - A payload begins only after its whole size (the window's, if that is smaller) is covered by
 *   credit, so that half-received payloads never wait for each other. Requests' and responses'
 *   payloads have windows of their own: answers are not stuck behind questions. Credit comes back when
 *   the payload has been used or given up.
 */
export const frameTypes = {
  hello: 1,
  request: 2,
  response: 3,
  error: 4,
  requestPayload: 5,
  responsePayload: 6,
  cancel: 7,
  credit: 8,
  ping: 9,
  pong: 10,
  bye: 11,
} as const

export type FrameName = keyof typeof frameTypes

export const version = 1
export const headBytes = 8
export const bodyBytesMax = 65_536

export interface Head {
  readonly name: FrameName
  readonly length: number
  readonly id: number
}

/** What a side says of itself: the limits within which the other may use the connection. */
export interface Hello {
  readonly version: number
  /** Bytes of requests' payloads, and of responses', that may be on their way to this side. */
  readonly requestWindow: number
  readonly responseWindow: number
  /** The largest payload that this side takes. */
  readonly payloadMax: number
  /** Requests that this side answers at a time. */
  readonly requests: number
}

const names = new Map<number, FrameName>(
  Object.entries(frameTypes).map(([name, type]) => [type, name as FrameName]),
)
const nothing = new Uint8Array(0)
const emptyFrames: readonly FrameName[] = ['cancel', 'ping', 'pong']

/** Writes the eight bytes before a body, and returns where the body begins. */
export function writeHead(to: Uint8Array, at: number, head: Head): number {
  const { name, length, id } = head
  to[at] = frameTypes[name]
  to[at + 1] = length >>> 16
  to[at + 2] = length >>> 8
  to[at + 3] = length
  to[at + 4] = id >>> 24
  to[at + 5] = id >>> 16
  to[at + 6] = id >>> 8
  to[at + 7] = id
  return at + headBytes
}

/** Reads the eight bytes. Throws 'protocol' when no such frame may be. */
export function decodeHead(bytes: Uint8Array): Head {
  const view = new DataView(bytes.buffer, bytes.byteOffset, headBytes)
  const name = names.get(view.getUint8(0))
  const length = view.getUint32(0) % 2 ** 24
  if (name === undefined) throw broken(`a frame of unknown type ${view.getUint8(0)}`)
  if (length > bodyBytesMax) throw broken(`a ${name} frame of ${length} bytes, too long`)
  if (emptyFrames.includes(name) && length > 0) throw broken(`a ${name} frame with a body`)
  return { name, length, id: view.getUint32(4) }
}

/** A whole frame with a small body. Throws 'bad-input' when the body is too long for one. */
export function encodeFrame(name: FrameName, id: number, body: Uint8Array = nothing): Uint8Array {
  if (body.length > bodyBytesMax) {
    throw new DreyError('bad-input', `a header of ${body.length} bytes is too long to be sent`)
  }
  const frame = new Uint8Array(headBytes + body.length)
  frame.set(body, writeHead(frame, 0, { name, id, length: body.length }))
  return frame
}

/** The body of a request or response. `size` is the payload's, if there is one. */
export function encodeHeader(header: Header, size: number | undefined): Uint8Array {
  try {
    return dagCbor.encode([size ?? null, header])
  } catch (cause) {
    throw new DreyError('bad-input', `a header cannot be sent: ${messageOf(cause)}`, { cause })
  }
}

export function decodeHeader(body: Uint8Array): { header: Header; size: number | undefined } {
  const [size, header] = decodeList(body, 2)
  if (size !== null && !isCount(size)) throw broken('a payload size that is none')
  if (!isMap(header)) throw broken('a header that is not a map')
  return { header, size: size ?? undefined }
}

/** Kept equal to `ErrorCode` by the compiler. */
const errorCodes: Record<ErrorCode, true> = {
  'bad-input': true,
  'bad-passphrase': true,
  busy: true,
  'cannot-write': true,
  corrupt: true,
  full: true,
  'no-read-secret': true,
  'not-a-member': true,
  'not-allowed': true,
  'not-enough-members': true,
  'not-enough-shards': true,
  'not-found': true,
  protocol: true,
  timeout: true,
  unreachable: true,
}

const messageCharactersMax = 2_000 // Fits a frame whatever its characters are.

export function encodeError(code: string, message: string): Uint8Array {
  return dagCbor.encode([code, message.slice(0, messageCharactersMax).toWellFormed()])
}

/** The failure that the other side answered with; a code that is not known here becomes 'protocol'. */
export function decodeError(body: Uint8Array): DreyError {
  const [code, message] = decodeList(body, 2)
  if (typeof code !== 'string' || typeof message !== 'string') throw broken('an error that is none')
  return errorOf(code, message)
}

/** What the other side failed with, by its own words. */
export function errorOf(code: string, message: string): DreyError {
  const known = Object.hasOwn(errorCodes, code)
  return known
    ? new DreyError(code as ErrorCode, message)
    : new DreyError('protocol', `${message} (${code})`)
}

export function encodeHello(hello: Hello): Uint8Array {
  return dagCbor.encode({ ...hello })
}

/** Reads a greeting; fields that are not known are left alone, for versions to come. */
export function decodeHello(body: Uint8Array): Hello {
  const said = decodeCbor(body)
  if (!isMap(said)) throw broken('a hello that is not a map')
  if (said.version !== version) {
    throw broken(`it speaks version ${String(said.version)}, this Drey speaks ${version}`)
  }
  const field = (name: Exclude<keyof Hello, 'version'>): number => {
    const value = said[name]
    if (!isCount(value) || value === 0) throw broken(`a hello with no usable ${name}`)
    return value
  }
  return {
    version,
    requestWindow: field('requestWindow'),
    responseWindow: field('responseWindow'),
    payloadMax: field('payloadMax'),
    requests: field('requests'),
  }
}

export interface Credit {
  readonly request: number
  readonly response: number
}

export function encodeCredit({ request, response }: Credit): Uint8Array {
  const body = new Uint8Array(8)
  const view = new DataView(body.buffer)
  view.setUint32(0, request)
  view.setUint32(4, response)
  return body
}

export function decodeCredit(body: Uint8Array): Credit {
  if (body.length !== 8) throw broken(`a credit of ${body.length} bytes`)
  const buffer = asBuffer(body)
  return { request: buffer.readUInt32BE(0), response: buffer.readUInt32BE(4) }
}

export function encodeBye(reason: string): Uint8Array {
  return dagCbor.encode([reason.slice(0, messageCharactersMax).toWellFormed()])
}

export function decodeBye(body: Uint8Array): string {
  const [reason] = decodeList(body, 1)
  if (typeof reason !== 'string') throw broken('a bye without a reason')
  return reason
}

/** The failure of a peer that does not speak as agreed. */
export function broken(what: string): DreyError {
  return new DreyError('protocol', what)
}

function decodeList(body: Uint8Array, count: number): unknown[] {
  const list = decodeCbor(body)
  if (!Array.isArray(list) || list.length !== count) throw broken(`not a list of ${count}`)
  return list
}

function decodeCbor(body: Uint8Array): unknown {
  try {
    return dagCbor.decode(body)
  } catch (cause) {
    throw broken(`not DAG-CBOR: ${messageOf(cause)}`)
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value < 2 ** 32
}

function isMap(value: unknown): value is Header {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  )
}
