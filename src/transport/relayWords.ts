import type { Duplex } from 'node:stream'
import { DreyError, isDreyError } from '../base/error.ts'
import * as frames from './frame.ts'
import type { Header, PeerId } from './transporter.ts'

/**
 * What is said at a relay's door, before the door becomes a tunnel: one frame each way, of the same form
 * as the members' (see frame.ts), 1 KiB of body at most, about request 1 and without payload.
 *
 *     who asks:      request {v, to}     the id of the member that is to be reached
 *     who is asked:  request {v, pass}   the 16 bytes that the relay has sent it
 *     the relay:     response {}         from here on, whatever comes is carried to the other one
 *                    error               why not
 */
export const relayProtocol = 'drey-relay/1'
const relayVersion = 1
export const passBytes = 16 // Out of reach of guessing within the seconds that it lives.

/** What a member wants at a relay's door. */
export type Wish = { readonly to: PeerId } | { readonly pass: Uint8Array }

const wordBytesMax = 1024
const requestId = 1
const whyCharactersMax = 300 // Fits a word, whatever the characters are.

export function say(stream: Duplex, name: 'request' | 'response', header: Header): void {
  stream.write(frames.encodeFrame(name, requestId, frames.encodeHeader(header, undefined)))
}

export function encodeWish(wish: Wish): Header {
  return { v: relayVersion, ...wish }
}

/** Throws 'protocol' for what is no wish. */
export function decodeWish({ v, to, pass }: Header): Wish {
  checkVersion(v)
  if (isPass(pass)) return { pass }
  if (typeof to === 'string') return { to }
  throw frames.broken('it wants nothing that a relay does')
}

/** What a relay asks of the member that it wants to come: {op: 'relay', v, from, pass}. */
export function encodeCall(from: PeerId, pass: Uint8Array): Header {
  return { op: 'relay', v: relayVersion, from, pass }
}

/** Throws 'protocol' for what is no such call. */
export function decodeCall({ v, from, pass }: Header): { from: PeerId; pass: Uint8Array } {
  checkVersion(v)
  if (typeof from === 'string' && isPass(pass)) return { from, pass }
  throw frames.broken('it does not say for whom, or with which pass')
}

function checkVersion(v: unknown): void {
  if (v === relayVersion) return
  throw frames.broken(`it relays in version ${String(v)}, this Drey in ${relayVersion}`)
}

function isPass(pass: unknown): pass is Uint8Array {
  return pass instanceof Uint8Array && pass.length === passBytes
}

/** Says why not, and ends. What is no business of the other side stays here. */
export function refuse(stream: Duplex, error: unknown): void {
  const { code, message } = isDreyError(error)
    ? error
    : new DreyError('unreachable', 'the relay could not do it')
  const body = frames.encodeError(code, message.slice(0, whyCharactersMax))
  stream.end(frames.encodeFrame('error', requestId, body))
  stream.resume() // Whatever it said goes unread.
}

/**
 * Hears one word, and leaves what comes after it in the stream. Throws the error that the other side
 * answered with, 'unreachable' when it ends instead, and 'protocol' for what is no such word.
 */
export async function hear(
  stream: Duplex,
  name: 'request' | 'response',
  signal: AbortSignal,
): Promise<Header> {
  const head = frames.decodeHead(await take(stream, frames.headBytes, signal))
  if (head.length > wordBytesMax) throw frames.broken(`a word of ${head.length} bytes, too long`)
  const body = head.length === 0 ? new Uint8Array(0) : await take(stream, head.length, signal)
  if (head.name === 'error') throw frames.decodeError(body)
  if (head.name === 'bye') throw new DreyError('not-a-member', frames.decodeBye(body))
  if (head.name !== name) throw frames.broken(`a ${head.name} frame instead of a ${name}`)
  return frames.decodeHeader(body).header
}

/** Takes exactly so many bytes off a stream that nobody else reads. */
async function take(stream: Duplex, size: number, signal: AbortSignal): Promise<Uint8Array> {
  for (;;) {
    signal.throwIfAborted()
    const bytes = stream.read(size) as Uint8Array | null
    if (bytes?.length === size) return bytes
    if (bytes !== null || stream.readableEnded || stream.destroyed) {
      throw new DreyError('unreachable', 'the other side ended the connection')
    }
    await stirred(stream, signal)
  }
}

/** Resolves when there may be more to read, or never will be. */
async function stirred(stream: Duplex, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const heard = () => resolve()
  const events = ['readable', 'end', 'close'] as const
  for (const event of events) stream.on(event, heard)
  signal.addEventListener('abort', heard, { once: true })
  await promise
  for (const event of events) stream.off(event, heard)
  signal.removeEventListener('abort', heard)
}
