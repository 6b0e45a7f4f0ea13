import type { Writable } from 'node:stream'
import { free } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { bodyBytesMax, encodeCredit, encodeFrame, headBytes, writeHead } from './frame.ts'
import { payloadMemory } from './grant.ts'

/** A payload on its way out. */
export interface Sending {
  /** Whether the last byte was handed to the socket. */
  readonly complete: boolean
  /** Resolves when the memory is no longer read: all was handed over, or the rest was dropped. */
  readonly done: Promise<void>
  /** Sends no more of it. */
  drop(): void
}

/**
 * What goes to the socket at once: four full TLS records. Only one such write is under way, so what is
 * already in the socket, which nothing can overtake, is small.
 */
const gatherBytes = 64 * 1024
const pieceBytesMin = 1024 // Not worth a frame of its own while more is coming.

/**
 * Puts frames on a connection: small ones first, payloads one after another, piece by piece, so that a
 * question never waits for long behind bytes. Frames are gathered in one buffer that is used again and
 * again: measured, `writev` of views costs three times as much (TLS joins them in new memory each time).
 * What waits is bounded by what may be unanswered and by the windows, not by this class.
 */
export class FrameWriter {
  readonly #stream: Writable
  readonly #clock: Clock
  readonly #small: { frame: Uint8Array; written: (() => void) | undefined }[] = []
  readonly #payloads: Payload[] = []
  readonly #credit = { request: 0, response: 0 }
  #pong: number | undefined
  #ping = false
  #buffer: Uint8Array | undefined
  #writing = false
  #writingSince = 0
  #planned = false
  #closed = false

  constructor(stream: Writable, clock: Clock) {
    this.#stream = stream
    this.#clock = clock
  }

  /** Queues a small frame. `written` tells that it was handed to the socket. */
  send(frame: Uint8Array, written?: () => void): void {
    if (this.#closed) return
    this.#small.push({ frame, written })
    this.#plan()
  }

  /** Queues a payload (not an empty one) behind the others. `written` tells that its last byte was
   * handed to the socket. */
  sendPayload(
    name: 'requestPayload' | 'responsePayload',
    id: number,
    bytes: Uint8Array,
    written?: () => void,
  ): Sending {
    const payload = new Payload(name, id, bytes, written)
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
    return this.#writing ? now - this.#writingSince : 0
  }

  /** Forgets what waits, and reads no payload any more. */
  close(): void {
    this.#closed = true
    this.#small.length = 0
    for (const payload of this.#payloads.splice(0)) payload.drop()
  }

  /** Writes these last words after all that is in the socket, and ends the stream. */
  finish(frame: Uint8Array): void {
    this.close()
    this.#stream.end(frame)
  }

  /** Frames of the same turn leave together. */
  #plan(): void {
    if (this.#planned || this.#writing || this.#closed) return
    this.#planned = true
    queueMicrotask(() => {
      this.#planned = false
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#closed || this.#writing || this.#stream.destroyed) return
    const bytes = this.#gather()
    if (bytes === undefined) {
      if (this.#buffer !== undefined) free(this.#buffer) // An idle connection keeps no buffer.
      this.#buffer = undefined
      return
    }
    this.#writing = true
    this.#writingSince = this.#clock.now()
    this.#stream.write(bytes, () => {
      this.#writing = false
      this.#pump()
    })
  }

  /** What goes next: as many small frames as fit, then pieces of payload. */
  #gather(): Uint8Array | undefined {
    let filled = 0
    for (let frame = this.#peekSmall(); frame !== undefined; frame = this.#peekSmall()) {
      if (filled === 0 && frame.length > gatherBytes) return this.#take()
      if (filled + frame.length > gatherBytes) break
      this.#room().set(this.#take(), filled)
      filled += frame.length
    }
    for (let payload = this.#peekPayload(); payload !== undefined; payload = this.#peekPayload()) {
      const room = gatherBytes - filled - headBytes
      if (room < Math.min(pieceBytesMin, payload.left)) break
      const piece = payload.next(Math.min(room, bodyBytesMax))
      const { name, id } = payload
      filled = writeHead(this.#room(), filled, { name, id, length: piece.length })
      this.#room().set(piece, filled)
      filled += piece.length
      payload.handedOver()
    }
    return filled > 0 ? this.#room().subarray(0, filled) : undefined
  }

  #peekSmall(): Uint8Array | undefined {
    if (this.#small.length === 0) this.#remember()
    return this.#small[0]?.frame
  }

  #take(): Uint8Array {
    const { frame, written } = this.#small.shift()!
    written?.()
    return frame
  }

  /** Makes frames of what was only noted: one each, however often it was asked for. */
  #remember(): void {
    const later = (frame: Uint8Array) => this.#small.push({ frame, written: undefined })
    if (this.#credit.request > 0 || this.#credit.response > 0) {
      later(encodeFrame('credit', 0, encodeCredit(this.#credit)))
      this.#credit.request = this.#credit.response = 0
    }
    if (this.#pong !== undefined) later(encodeFrame('pong', this.#pong))
    if (this.#ping) later(encodeFrame('ping', 0))
    this.#pong = undefined
    this.#ping = false
  }

  #peekPayload(): Payload | undefined {
    while (this.#payloads[0]?.over === true) this.#payloads.shift()
    return this.#payloads[0]
  }

  #room(): Uint8Array {
    return (this.#buffer ??= payloadMemory(gatherBytes))
  }
}

class Payload implements Sending {
  readonly name: 'requestPayload' | 'responsePayload'
  readonly id: number
  readonly done: Promise<void>
  readonly #bytes: Uint8Array
  readonly #written: (() => void) | undefined
  readonly #settle: () => void
  #at = 0
  #dropped = false

  constructor(name: Payload['name'], id: number, bytes: Uint8Array, written?: () => void) {
    this.name = name
    this.id = id
    this.#bytes = bytes
    this.#written = written
    const { promise, resolve } = Promise.withResolvers<void>()
    this.done = promise
    this.#settle = resolve
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  get complete(): boolean {
    return this.left === 0
  }

  get over(): boolean {
    return this.#dropped || this.complete
  }

  next(bytesMax: number): Uint8Array {
    const piece = this.#bytes.subarray(this.#at, this.#at + bytesMax)
    this.#at += piece.length
    return piece
  }

  /** The last piece was copied. */
  handedOver(): void {
    if (!this.complete) return
    this.#written?.()
    this.#settle()
  }

  drop(): void {
    this.#dropped = true
    this.#settle()
  }
}
