import assert from 'node:assert/strict'
import { free } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { DreyError } from '../base/error.ts'
import { Window } from '../base/flow.ts'
import { Deadlines } from './deadlines.ts'
import {
  broken,
  decodeError,
  decodeHeader,
  encodeFrame,
  encodeHeader,
  type Hello,
} from './frame.ts'
import { Grant, once, payloadMemory, regain } from './grant.ts'
import type { Header, Message, RequestOptions } from './transporter.ts'
import type { FrameWriter, Sending } from './writer.ts'

/** How many times its time limit a request may take while payloads move on its connection. */
const movingTimes = 10

/** A request that has been sent and has not ended. */
interface Asked {
  readonly id: number
  readonly into: RequestOptions['into']
  readonly resolve: (answer: Message) => void
  readonly reject: (error: Error) => void
  readonly abandon: (error: Error) => void
  sending?: Sending
  abandoned: boolean
  answer?: { header: Header; size: number }
  /** Where the payload goes, and whether the caller chose it. Nowhere, once nobody waits. */
  target?: Uint8Array
  chosen: boolean
  filled: number
}

/** The asking half of a connection: requests of this side, and the answers to them. */
export class Outgoing {
  readonly #writer: FrameWriter
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #theirs: Hello
  readonly #ours: Hello
  readonly #grant: Grant
  /** What the other side takes at a time: requests, and bytes of their payloads. */
  readonly #slots: Window
  readonly #credit: Window
  readonly #asked = new Map<number, Asked>()
  readonly #waiting = new Set<AbortController>()
  /** When a part of a payload last came, or the other side was done with one of ours. */
  #movedAt = 0
  #nextId = 1
  #ended: DreyError | undefined

  constructor(writer: FrameWriter, clock: Clock, ours: Hello, theirs: Hello) {
    this.#writer = writer
    this.#clock = clock
    this.#deadlines = new Deadlines(clock)
    this.#ours = ours
    this.#theirs = theirs
    this.#grant = new Grant(writer, 'response', ours.responseWindow)
    this.#slots = new Window(theirs.requests)
    this.#credit = new Window(theirs.requestWindow)
  }

  /** Whether nothing is under way. */
  get idle(): boolean {
    return this.#waiting.size === 0 && this.#asked.size === 0
  }

  /** As `Peer.request`. */
  async request(
    message: Message,
    options: RequestOptions & { timeoutMs: number },
  ): Promise<Message> {
    const release = once(message.release)
    const over = new AbortController()
    const { signal, timeoutMs, into } = options
    const leave = () => over.abort(signal!.reason)
    const hasPayload = message.payload !== undefined || into !== undefined
    let inTime = () => {}
    try {
      signal?.throwIfAborted()
      if (this.#ended !== undefined) throw this.#ended
      const body = this.#check(message)
      signal?.addEventListener('abort', leave, { once: true })
      inTime = this.#limit(timeoutMs, hasPayload, (error) => over.abort(error))
      this.#waiting.add(over)
      await this.#takeTurn(message.payload?.length ?? 0, over.signal)
      return await this.#ask(message.payload, body, over.signal, into, release)
    } finally {
      signal?.removeEventListener('abort', leave)
      inTime()
      this.#waiting.delete(over)
      release()
    }
  }

  /** The connection has ended: so has everything that waits. */
  end(error: DreyError): void {
    this.#ended = error
    for (const over of this.#waiting) over.abort(error)
    this.#asked.clear()
    this.#deadlines.close()
  }

  credit(bytes: number): void {
    this.#movedAt = this.#clock.now()
    regain(this.#credit, bytes)
  }

  response(id: number, body: Uint8Array): void {
    const asked = this.#find(id, 'response')
    if (asked.answer !== undefined) throw broken('a second response to one request')
    const { header, size } = decodeHeader(body)
    asked.answer = { header, size: size ?? 0 }
    if (size === undefined) return this.#finish(asked)
    if (size > this.#ours.payloadMax) throw broken(`a payload of ${size} bytes, too long`)
    this.#grant.take(size)
    if (!asked.abandoned) this.#place(asked, header, size)
    if (size === 0) this.#finish(asked)
  }

  payload(id: number, part: Uint8Array): void {
    const asked = this.#find(id, 'payload')
    this.#movedAt = this.#clock.now()
    if (asked.answer === undefined) throw broken('a payload before its response')
    if (asked.filled + part.length > asked.answer.size) throw broken('a payload beyond its size')
    asked.target?.set(part, asked.filled)
    asked.filled += part.length
    if (asked.filled === asked.answer.size) this.#finish(asked)
  }

  error(id: number, body: Uint8Array): void {
    const asked = this.#find(id, 'error')
    const error = decodeError(body)
    this.#forget(asked)
    if (asked.target !== undefined && !asked.chosen) free(asked.target)
    if (asked.answer !== undefined) this.#grant.back(asked.answer.size)
    asked.reject(error)
  }

  /**
   * Begins a time limit that is not about the line's speed: on a slow line payloads wait for each other, and
   * while they move, whoever waits for one goes on waiting. Returns how to end it.
   */
  #limit(timeoutMs: number, hasPayload: boolean, late: (error: DreyError) => void): () => void {
    const until = this.#clock.now() + timeoutMs * movingTimes
    const wait = (ms: number): (() => void) =>
      this.#deadlines.add(ms, () => {
        const now = this.#clock.now()
        const restMs = this.#movedAt + timeoutMs - now
        if (hasPayload && restMs > 0 && now < until) end = wait(restMs)
        else late(new DreyError('timeout', `no answer within ${timeoutMs} ms`))
      })
    let end = wait(timeoutMs)
    return () => end()
  }

  #check(message: Message): Uint8Array {
    const size = message.payload?.length
    if (size !== undefined && size > this.#theirs.payloadMax) {
      throw new DreyError(
        'bad-input',
        `a payload of ${size} bytes; the peer takes ${this.#theirs.payloadMax}`,
      )
    }
    return encodeHeader(message.header, size)
  }

  async #takeTurn(size: number, signal: AbortSignal): Promise<void> {
    await this.#slots.take(1, signal)
    try {
      await this.#credit.take(size, signal)
    } catch (error) {
      this.#slots.give(1)
      throw error
    }
    if (!signal.aborted) return
    this.#slots.give(1)
    this.#credit.give(size)
    throw signal.reason as Error
  }

  async #ask(
    payload: Uint8Array | undefined,
    body: Uint8Array,
    signal: AbortSignal,
    into: RequestOptions['into'],
    release: () => void,
  ): Promise<Message> {
    const id = this.#newId()
    const { promise, resolve, reject } = Promise.withResolvers<Message>()
    const abandon = (error: Error) => this.#abandon(asked, error)
    const asked: Asked = {
      ...{ id, into, resolve, reject, abandon, abandoned: false, chosen: false, filled: 0 },
    }
    const frame = encodeFrame('request', id, body)
    this.#asked.set(id, asked)
    this.#writer.send(frame)
    if (payload !== undefined && payload.length > 0) {
      asked.sending = this.#writer.sendPayload('requestPayload', id, payload)
      void asked.sending.done.then(release)
    }
    const leave = () => abandon(signal.reason as Error)
    signal.addEventListener('abort', leave, { once: true })
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', leave)
      await asked.sending?.done
    }
  }

  /** Nobody waits for the answer any more; the other side is told, and its end is still awaited. */
  #abandon(asked: Asked, error: Error): void {
    asked.abandoned = true
    if (asked.target !== undefined && !asked.chosen) free(asked.target)
    asked.target = undefined
    asked.sending?.drop()
    this.#writer.send(encodeFrame('cancel', asked.id))
    asked.reject(error)
  }

  /** Chooses the memory of an answer's payload. */
  #place(asked: Asked, header: Header, size: number): void {
    try {
      const chosen = asked.into?.(header, size)
      assert(chosen === undefined || chosen.length === size, 'into gave memory of another size')
      asked.chosen = chosen !== undefined
      asked.target = chosen ?? payloadMemory(size)
    } catch (error) {
      asked.abandon(error as Error) // It is the caller's error: the peer did nothing wrong.
    }
  }

  #finish(asked: Asked): void {
    const { header, size } = asked.answer!
    const { target, chosen } = asked
    this.#forget(asked)
    if (target === undefined || chosen) {
      this.#grant.back(size) // The caller's memory, or nobody's: it no longer counts here.
      asked.resolve(target === undefined ? { header } : { header, payload: target })
      return
    }
    const release = once(() => {
      free(target)
      this.#grant.back(size)
    })
    asked.resolve({ header, payload: target, release })
  }

  #find(id: number, what: string): Asked {
    const asked = this.#asked.get(id)
    if (asked === undefined) throw broken(`a ${what} to no request`)
    if (asked.sending?.complete === false && !asked.abandoned) {
      throw broken(`a ${what} to a request that was not complete`)
    }
    return asked
  }

  #forget(asked: Asked): void {
    this.#asked.delete(asked.id)
    this.#slots.give(1)
  }

  #newId(): number {
    do {
      this.#nextId = this.#nextId >= 2 ** 32 - 1 ? 1 : this.#nextId + 1
    } while (this.#asked.has(this.#nextId))
    return this.#nextId
  }
}
