import type { Duplex } from 'node:stream'
import { concat } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'

const lengthBytes = 4
const messageBytesMax = 16_384 // A chain of certificates and little else.

/** Sends a message: its length in four bytes, and the message. */
export function sendMessage(stream: Duplex, message: Uint8Array): void {
  const length = Buffer.alloc(lengthBytes)
  length.writeUInt32BE(message.length)
  stream.write(concat([length, message]))
}

/**
 * Reads the next message, and no byte more. `undefined` when the stream ends in its place. Throws 'protocol' for
 * one that is too long or cut off, 'unreachable' when the stream breaks, or the signal's reason.
 */
export async function readMessage(
  stream: Duplex,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const head = await take(stream, lengthBytes, signal)
  if (head.length === 0) return undefined
  const size = head.length === lengthBytes ? Buffer.from(head).readUInt32BE() : 0
  if (size === 0 || size > messageBytesMax) {
    throw new DreyError('protocol', 'the other side does not speak as joining asks')
  }
  const message = await take(stream, size, signal)
  if (message.length === size) return message
  throw new DreyError('protocol', 'what the other side said was cut off')
}

/** So many bytes, or fewer when the stream ends before. */
async function take(stream: Duplex, size: number, signal: AbortSignal): Promise<Uint8Array> {
  for (;;) {
    signal.throwIfAborted()
    const bytes = stream.read(size) as Buffer | null
    if (bytes !== null) return new Uint8Array(bytes)
    if (stream.readableEnded) return new Uint8Array()
    if (stream.destroyed) throw new DreyError('unreachable', 'the other side has gone')
    await stirred(stream, signal)
  }
}

/** Resolves when there is more to read, or something else has become of the stream. */
async function stirred(stream: Duplex, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const events = ['readable', 'end', 'close'] as const
  for (const event of events) stream.on(event, resolve)
  const late = () => resolve()
  signal.addEventListener('abort', late, { once: true })
  try {
    await promise
  } finally {
    signal.removeEventListener('abort', late)
    for (const event of events) stream.off(event, resolve)
  }
}

/** Says no more, and waits until the other side has heard all, or the signal. The stream is gone afterwards. */
export async function finish(stream: Duplex, signal: AbortSignal): Promise<void> {
  stream.end()
  stream.resume() // Whatever is still said goes unread; unread, the end would not be seen.
  const { promise, resolve } = Promise.withResolvers<void>()
  stream.once('close', resolve)
  signal.addEventListener('abort', () => resolve(), { once: true })
  if (!stream.destroyed && !signal.aborted) await promise
  stream.destroy()
}
