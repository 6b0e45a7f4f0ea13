import { broken, decodeHead, headBytes, type Head } from './frame.ts'

/** Hears frames as they come. What these throw passes through `push`. */
export interface FrameListener {
  /** A piece of payload, part by part: the bytes are valid during the call only. */
  payload(head: Head, part: Uint8Array): void
  /** Any other frame, whole. The body is the listener's own memory. */
  control(head: Head, body: Uint8Array): void
}

/**
 * Cuts a stream of bytes into frames, wherever it was torn. Keeps nothing of the chunks it is handed, so
 * that they can be freed at once, and never more memory than one small frame. Throws 'protocol' at the
 * first frame that may not be; nothing is to be read after that.
 */
export class FrameReader {
  readonly #listener: FrameListener
  readonly #headBytes = new Uint8Array(headBytes)
  #headFilled = 0
  #head: Head | undefined
  /** What has come of the body of `#head`. */
  #bodyFilled = 0
  #body: Uint8Array | undefined

  constructor(listener: FrameListener) {
    this.#listener = listener
  }

  push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length) {
      at += this.#head === undefined ? this.#readHead(chunk, at) : this.#readBody(chunk, at)
    }
  }

  #readHead(chunk: Uint8Array, at: number): number {
    const part = chunk.subarray(at, at + headBytes - this.#headFilled)
    this.#headBytes.set(part, this.#headFilled)
    this.#headFilled += part.length
    if (this.#headFilled < headBytes) return part.length
    const head = decodeHead(this.#headBytes)
    this.#headFilled = 0
    if (head.length > 0) this.#head = head
    else if (isPayload(head)) throw broken('an empty piece of payload')
    else this.#listener.control(head, new Uint8Array(0))
    return part.length
  }

  #readBody(chunk: Uint8Array, at: number): number {
    const head = this.#head!
    const part = partOf(chunk, at, head.length - this.#bodyFilled)
    if (!isPayload(head)) {
      this.#body ??= new Uint8Array(head.length)
      this.#body.set(part, this.#bodyFilled)
    }
    this.#bodyFilled += part.length
    const body = this.#body
    if (this.#bodyFilled === head.length) {
      this.#head = undefined
      this.#body = undefined
      this.#bodyFilled = 0
    }
    if (isPayload(head)) this.#listener.payload(head, part)
    else if (this.#head === undefined) this.#listener.control(head, body!)
    return part.length
  }
}

/** Most chunks are a part as a whole, and a view costs more than one would think. */
function partOf(chunk: Uint8Array, at: number, size: number): Uint8Array {
  return at === 0 && chunk.length <= size ? chunk : chunk.subarray(at, at + size)
}

function isPayload(head: Head): boolean {
  return head.name === 'requestPayload' || head.name === 'responsePayload'
}
