import { Readable } from 'node:stream'
import { DreyError } from '../base/error.ts'

/**
 * A blob's content, or the range of it that was asked for. Each reading is one of its own, asked for when it
 * begins, and ends when whoever reads leaves (`break`, `cancel`, `destroy`).
 *
 * - Chunks are the reader's own: they are not touched again. They come in order, a mebibyte at most, and are
 *   asked for as they are read; a few segments are fetched ahead.
 * - A reading fails with `not-found`, `not-enough-shards`, `no-read-secret` when an address is read at a storage
 *   member, or `corrupt` when all holders have wrong bytes. What was given before that was right.
 *
 * @example
 * ```ts
 * import { createWriteStream } from 'node:fs'
 * import { pipeline } from 'node:stream/promises'
 *
 * await pipeline(node.get(stored.address).readable(), createWriteStream('copy'))
 * const page = new Response(node.get(stored.address).stream())
 * ```
 */
export interface Content extends AsyncIterable<Uint8Array<ArrayBuffer>> {
  /** How many bytes the whole blob has, whatever the range. It is asked for once. */
  size(): Promise<number>
  /** A web stream of the bytes. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>
  /** A Node stream of the bytes. */
  readable(): Readable
  /** All of the bytes, in memory. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>
  /** All of the bytes, in memory, as text. Throws 'bad-input' when they are not UTF-8. */
  text(): Promise<string>
}

/** One reading of a content, begun. */
export interface Reading {
  /** Bytes that it gives. */
  readonly length: number
  /** Of the whole blob. */
  readonly size: number
  /** A chunk is read until the next one is asked for. */
  readonly chunks: AsyncIterable<Uint8Array>
}

/** What a content is read by. */
export interface ContentParts {
  readonly begin: () => Promise<Reading>
  readonly size: () => Promise<number>
  /** Whether a chunk's memory is used again when the next one is asked for. */
  readonly isLent: boolean
}

/** A content that is read by what is handed in. */
export class ReadContent implements Content {
  readonly #parts: ContentParts
  #size: number | undefined

  constructor(parts: ContentParts) {
    this.#parts = parts
  }

  async size(): Promise<number> {
    return (this.#size ??= await this.#parts.size())
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const { chunks } = await this.#begin()
    for await (const chunk of chunks) {
      // What is lent has to be copied before it is given away.
      yield this.#parts.isLent ? new Uint8Array(chunk) : (chunk as Uint8Array<ArrayBuffer>)
    }
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return ReadableStream.from(this)
  }

  readable(): Readable {
    return Readable.from(this, { objectMode: false })
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const { length, chunks } = await this.#begin()
    const whole = new Uint8Array(length)
    let at = 0
    for await (const chunk of chunks) {
      whole.set(chunk, at)
      at += chunk.length
    }
    return whole
  }

  async text(): Promise<string> {
    const bytes = await this.bytes()
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch (cause) {
      throw new DreyError('bad-input', 'this blob is not text in UTF-8: read its bytes', { cause })
    }
  }

  async #begin(): Promise<Reading> {
    const reading = await this.#parts.begin()
    this.#size = reading.size
    return reading
  }
}
