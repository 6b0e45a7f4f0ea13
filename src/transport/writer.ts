import type { Writable } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import { bodyBytesMax, encodeCredit, encodeFrame, encodeHead } from './frame.ts'

/** A payload on its way out. */
export interface Sending {
  /** Whether the last byte was handed to the socket. */
  readonly complete: boolean
  /** Resolves when the memory is no longer read: all was written, or the rest was dropped. */
  readonly done: Promise<void>
  /** Sends no more of it. */
  drop(): void
}

const defaults = {
  socketBytesMax: 256 * 1024, // TLS copies what is queued in the socket; this much keeps the wire busy.
} as const

/**
 * Puts frames on a connection: small ones first, payloads one after another, piece by piece, so that a
 * question never waits for more than what is already in the socket. Payloads are written from where
 * they lie. What waits here is bounded by what may be unanswered and by the windows, not by this class.
 */
export class FrameWriter {
  readonly #stream: Writable
  readonly #clock: Clock
  readonly #small: { frame: Uint8Array; written: (() => void) | undefined }[] = []
  readonly #payloads: Payload[] = []
  /** Those with pieces in the socket. */
  readonly #leaving = new Set<Payload>()
  #credit = { request: 0, response: 0 }
  #pong: number | undefined
  #ping = false
  #inSocket = 0
  #movedAt: number
  #planned = false
  #closed = false

  constructor(stream: Writable, clock: Clock) {
    this.#stream = stream
    this.#clock = clock
    this.#movedAt = clock.now()
    stream.once('close', () => this.close())
  }

  /** Queues a small frame. `written` tells that it was handed to the socket. */
  send(frame: Uint8Array, written?: () => void): void {
    this.#small.push({ frame, written })
    this.#plan()
  }

  /** Queues a payload (not an empty one) behind the others. `complete` tells that its last byte was
   * handed to the socket. */
  sendPayload(
    name: 'requestPayload' | 'responsePayload',
    id: number,
    bytes: Uint8Array,
    complete: () => void = () => {},
  ): Sending {
    const payload = new Payload(name, id, bytes, complete)
    if (this.#closed) payload.drop()
    else this.#payloads.push(payload)
    this.#plan()
    return payload
  }

  /** Grants credit; grants that wait together go as one frame. */
  grant(kind: 'request' | 'response', bytes: number): void {
    this.#credit[kind] += bytes
    this.#plan()
  }

  /** Answers a ping; a peer that pings without reading gets the last answer only. */
  pong(id: number): void {
    this.#pong = id
    this.#plan()
  }

  /** Asks for a sign of life; one question at a time waits. */
  ping(): void {
    this.#ping = true
    this.#plan()
  }

  /** For how long the other side has taken nothing of what is there for it. */
  stalledMs(now: number): number {
    return this.#inSocket === 0 ? 0 : now - this.#movedAt
  }

  /** Forgets what waits, and reads no payload any more. */
  close(): void {
    this.#closed = true
    this.#small.length = 0
    for (const payload of this.#payloads.splice(0)) payload.drop()
    if (this.#stream.closed) for (const payload of this.#leaving) payload.landed(Infinity)
  }

  /** Everything that waits now is written, then the stream is ended. */
  finish(): void {
    this.#pump()
    this.#stream.end()
  }

  /** Frames of the same turn leave together. */
  #plan(): void {
    if (this.#planned || this.#closed) return
    this.#planned = true
    queueMicrotask(() => {
      this.#planned = false
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#closed || this.#stream.destroyed || this.#inSocket >= defaults.socketBytesMax) return
    this.#stream.cork()
    while (this.#inSocket < defaults.socketBytesMax && (this.#writeSmall() || this.#writePiece()));
    this.#stream.uncork()
  }

  #writeSmall(): boolean {
    if (this.#credit.request > 0 || this.#credit.response > 0) {
      this.#write(encodeFrame('credit', 0, encodeCredit(this.#credit)))
      this.#credit = { request: 0, response: 0 }
      return true
    }
    if (this.#pong !== undefined) {
      this.#write(encodeFrame('pong', this.#pong))
      this.#pong = undefined
      return true
    }
    if (this.#ping) {
      this.#write(encodeFrame('ping', 0))
      this.#ping = false
      return true
    }
    const next = this.#small.shift()
    if (next === undefined) return false
    this.#write(next.frame)
    next.written?.()
    return true
  }

  #writePiece(): boolean {
    const payload = this.#payloads[0]
    if (payload === undefined) return false
    const piece = payload.next()
    if (piece === undefined) {
      this.#payloads.shift() // It was dropped, or is empty.
      return true
    }
    if (payload.complete) this.#payloads.shift()
    this.#leaving.add(payload)
    this.#write(encodeHead(payload.name, payload.id, piece.length))
    this.#write(piece, () => {
      if (payload.landed(1)) this.#leaving.delete(payload)
    })
    return true
  }

  #write(bytes: Uint8Array, landed?: () => void): void {
    if (this.#inSocket === 0) this.#movedAt = this.#clock.now()
    this.#inSocket += bytes.length
    this.#stream.write(bytes, () => {
      this.#inSocket -= bytes.length
      this.#movedAt = this.#clock.now()
      landed?.()
      this.#plan()
    })
  }
}

class Payload implements Sending {
  readonly name: 'requestPayload' | 'responsePayload'
  readonly id: number
  readonly done: Promise<void>
  readonly #bytes: Uint8Array
  readonly #complete: () => void
  readonly #settle: () => void
  #at = 0
  #flying = 0
  #dropped = false

  constructor(name: Payload['name'], id: number, bytes: Uint8Array, complete: () => void) {
    this.name = name
    this.id = id
    this.#bytes = bytes
    this.#complete = complete
    const { promise, resolve } = Promise.withResolvers<void>()
    this.done = promise
    this.#settle = resolve
  }

  get complete(): boolean {
    return this.#at === this.#bytes.length
  }

  next(): Uint8Array | undefined {
    if (this.#dropped || this.complete) return undefined
    const piece = this.#bytes.subarray(this.#at, this.#at + bodyBytesMax)
    this.#at += piece.length
    this.#flying++
    if (this.complete) this.#complete()
    return piece
  }

  /** Pieces have left our memory. Returns whether none is on its way. */
  landed(pieces: number): boolean {
    this.#flying = Math.max(0, this.#flying - pieces)
    this.#finishIfIdle()
    return this.#flying === 0
  }

  drop(): void {
    this.#dropped = true
    this.#finishIfIdle()
  }

  #finishIfIdle(): void {
    if (this.#flying === 0 && (this.#dropped || this.complete)) this.#settle()
  }
}
