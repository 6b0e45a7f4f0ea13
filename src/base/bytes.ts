import { DreyError } from './error.ts'

/** A stream of bytes, pulled. A chunk that was handed over is not touched again by its giver. */
export type Bytes = AsyncIterable<Uint8Array>

/** Puts pieces together. For small things: whoever calls it holds the whole. */
export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

/** Reads a whole stream into memory. For tests and small things. */
export async function collect(source: Bytes): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(new Uint8Array(piece)) // A Buffer's `slice` would share memory.
  return concat(pieces)
}

/** Counts what passes. */
export async function* counted(
  source: Bytes,
  seen: (size: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    seen(chunk.length)
    yield chunk // Given away: not touched again.
  }
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0
}

/** The same memory as a Buffer, for the parts of Node that want one. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * Gives memory back to the allocator now, instead of when the collector comes by: this is what keeps a
 * node small while gigabytes pass. Only whole, unshared buffers are freed; slices of a pool, and shared
 * memory, are left as they are. Nobody may use `bytes` afterwards.
 */
export function free(bytes: Uint8Array): void {
  const { buffer } = bytes
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength === 0) return
  if (bytes.byteOffset === 0 && bytes.byteLength === buffer.byteLength) buffer.transfer(0)
}

/** Frees each chunk once its reader asks for the next: for a reader that has copied it by then. */
export async function* freed(source: Bytes): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    yield chunk
    free(chunk)
  }
}

export function toHex(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('hex')
}

/** Reads hexadecimal text, ignoring white space. Throws 'bad-input' when it is something else. */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, '')
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new DreyError('bad-input', 'not hexadecimal bytes')
  return new Uint8Array(Buffer.from(digits, 'hex'))
}

/** The first bytes of a stream, as many as it has of those wanted; and the whole stream, which begins with them. */
export async function peek(
  given: Bytes,
  wanted: number,
): Promise<{ start: Uint8Array; whole: AsyncGenerator<Uint8Array> }> {
  const source = given[Symbol.asyncIterator]()
  let start: Uint8Array = new Uint8Array()
  while (start.length < wanted) {
    const next = await source.next()
    if (next.done) break
    const { value } = next
    start = start.length === 0 && value.length >= wanted ? value : concat([start, value])
  }
  return { start, whole: behind(start, source) }
}

async function* behind(
  start: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    if (start.length > 0) yield start
    yield* { [Symbol.asyncIterator]: () => rest }
  } finally {
    await rest.return?.()
  }
}
