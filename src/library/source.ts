import { Readable } from 'node:stream'
import type { Bytes } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'

/** A web stream of bytes, whichever library's types describe it: the body of a `fetch`, say. */
export interface WebStream {
  /** As every `ReadableStream` has it. */
  getReader(): WebReader
}

/** What reads a {@link WebStream}. */
export interface WebReader {
  /** The next chunk. */
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>
  /** Leaves the stream. */
  cancel(reason?: unknown): Promise<void>
}

/**
 * What can be stored: bytes, text (as UTF-8), a web `Blob` or `File`, or a stream of bytes: any async iterable
 * (Node's `Readable` is one), or a web `ReadableStream`.
 */
export type Source = Uint8Array | string | Blob | AsyncIterable<Uint8Array> | WebStream

const pieceBytes = 256 * 1024 // Of what is in memory already: small enough to stop soon, and to show progress.

/** Chunks one after the other, and how to leave: also while the next one is waited for. */
interface Chunks {
  next(): Promise<{ done?: boolean; value?: unknown }>
  leave(): Promise<unknown>
}

/**
 * The bytes of a source, pulled. When `signal` aborts, it ends with the reason, even when the source is silent
 * for ever. A source that is left before its end is told so.
 */
export async function* pulled(source: Source, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const chunks = chunksOf(source)
  let state: 'waiting' | 'given' | 'over' = 'over'
  try {
    for (;;) {
      state = 'waiting'
      const { done, value } = await orAborted(chunks.next(), signal)
      state = done ? 'over' : 'given'
      if (done) return
      yield bytesOf(value)
    }
  } finally {
    if (state === 'given') await chunks.leave()
    // It may be silent for ever; what it says now is of no use.
    if (state === 'waiting' && signal.aborted) chunks.leave().catch(() => {})
  }
}

/** The same bytes. What they end with is told first: whoever reads them may make something else of it. */
export async function* noted(
  source: Bytes,
  failed: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* source
  } catch (error) {
    failed(error)
    throw error
  }
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  const what = `a stream of bytes gave a ${typeof value}: give Uint8Array or Buffer`
  throw new DreyError('bad-input', what)
}

function chunksOf(source: Source): Chunks {
  if (typeof source === 'string') return iterated(pieces(Buffer.from(source)))
  if (source instanceof Uint8Array) return iterated(pieces(source))
  if (source instanceof Blob) return chunksOf(source.stream())
  if (source instanceof Readable) {
    // Its iterator would wait for the next chunk before it leaves.
    return { ...iterated(source), leave: async () => source.destroy() }
  }
  if (isWebStream(source)) {
    const reader = source.getReader()
    return { next: () => reader.read(), leave: () => reader.cancel() }
  }
  if (Symbol.asyncIterator in Object(source)) return iterated(source)
  throw new DreyError('bad-input', 'what is put is bytes, text, a Blob, or a stream of bytes')
}

function isWebStream(source: unknown): source is WebStream {
  return (
    typeof source === 'object' &&
    source !== null &&
    'getReader' in source &&
    typeof source.getReader === 'function'
  )
}

function iterated(source: AsyncIterable<unknown>): Chunks {
  const chunks = source[Symbol.asyncIterator]()
  return { next: () => chunks.next(), leave: async () => chunks.return?.() }
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

/** Waits for `work`, and no longer than until `signal` aborts. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason as Error)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([aborted.promise, work])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
