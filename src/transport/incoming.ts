import { free } from '../base/bytes.ts'
import { DreyError, isDreyError, messageOf } from '../base/error.ts'
import { Window } from '../base/flow.ts'
import type { Log } from '../base/log.ts'
import {
  broken,
  decodeHeader,
  encodeError,
  encodeFrame,
  encodeHeader,
  type Hello,
} from './frame.ts'
import { Grant, once, payloadMemory, regain } from './grant.ts'
import type { Header, Message } from './transporter.ts'
import type { FrameWriter } from './writer.ts'

/** Answers a request. What it throws is sent as an error. */
export type Answerer = (request: Message, signal: AbortSignal) => Promise<Message>

/** A request whose end has not been handed to the socket. */
interface Served {
  readonly id: number
  readonly header: Header
  readonly size: number
  readonly payload: Uint8Array | undefined
  /** Frees the payload and gives its credit back. */
  readonly release: () => void
  readonly over: AbortController
  filled: number
}

/** The answering half of a connection: the other side's requests, and what becomes of them. */
export class Incoming {
  readonly #writer: FrameWriter
  readonly #log: Log
  readonly #answer: Answerer
  readonly #theirs: Hello
  readonly #ours: Hello
  readonly #grant: Grant
  /** Bytes of answers' payloads that the other side takes. */
  readonly #credit: Window
  readonly #served = new Map<number, Served>()

  constructor(writer: FrameWriter, log: Log, answer: Answerer, ours: Hello, theirs: Hello) {
    this.#writer = writer
    this.#log = log
    this.#answer = answer
    this.#ours = ours
    this.#theirs = theirs
    this.#grant = new Grant(writer, 'request', ours.requestWindow)
    this.#credit = new Window(theirs.responseWindow)
  }

  get idle(): boolean {
    return this.#served.size === 0
  }

  end(error: DreyError): void {
    for (const served of this.#served.values()) {
      served.over.abort(error)
      if (served.filled < served.size) served.release()
    }
    this.#served.clear()
  }

  credit(bytes: number): void {
    regain(this.#credit, bytes)
  }

  request(id: number, body: Uint8Array): void {
    const { header, size: announced } = this.#accept(id, body)
    const payload = announced === undefined ? undefined : payloadMemory(announced)
    const size = announced ?? 0
    const release = once(() => {
      if (payload !== undefined) free(payload)
      this.#grant.back(size)
    })
    const over = new AbortController()
    const served: Served = { id, header, size, payload, release, over, filled: 0 }
    this.#served.set(id, served)
    if (size === 0) void this.#serve(served)
  }

  payload(id: number, part: Uint8Array): void {
    const served = this.#served.get(id)
    if (served === undefined) throw broken('a payload to no request')
    if (served.filled + part.length > served.size) throw broken('a payload beyond its size')
    served.payload!.set(part, served.filled)
    served.filled += part.length
    if (served.filled === served.size) void this.#serve(served)
  }

  cancel(id: number): void {
    const served = this.#served.get(id)
    if (served === undefined) return // Its end crossed the cancellation on the way.
    const gone = new Error('the peer no longer waits')
    const whole = served.filled === served.size
    served.over.abort(gone)
    if (!whole) this.#refuse(served, gone)
  }

  #accept(id: number, body: Uint8Array): { header: Header; size: number | undefined } {
    if (this.#served.has(id)) throw broken('two requests under one id')
    if (this.#served.size >= this.#ours.requests) {
      throw broken(`a flood: more than ${this.#ours.requests} requests at a time`)
    }
    const { header, size } = decodeHeader(body)
    if (size !== undefined && size > this.#ours.payloadMax) {
      throw broken(`a payload of ${size} bytes, too long`)
    }
    this.#grant.take(size ?? 0)
    return { header, size }
  }

  async #serve(served: Served): Promise<void> {
    const { header, payload, release, over } = served
    let answer: Message | undefined
    try {
      const request = payload === undefined ? { header } : { header, payload, release }
      answer = await this.#answer(request, over.signal)
      over.signal.throwIfAborted()
      await this.#reply(served, answer)
    } catch (error) {
      this.#refuse(served, error)
    } finally {
      answer?.release?.()
    }
  }

  /** Settles when the answer's memory is no longer read. Throws when the answer cannot be sent whole. */
  async #reply(served: Served, answer: Message): Promise<void> {
    const { id, over } = served
    const { header, payload } = answer
    const size = payload?.length
    if (size !== undefined && size > this.#theirs.payloadMax) {
      throw new DreyError('bad-input', `the answer has ${size} bytes, too many to be sent`)
    }
    const frame = encodeFrame('response', id, encodeHeader(header, size))
    const end = () => void this.#served.delete(id)
    if (payload === undefined || payload.length === 0) return this.#writer.send(frame, end)
    await this.#credit.take(payload.length, over.signal)
    if (over.signal.aborted) {
      this.#credit.give(payload.length)
      throw over.signal.reason as Error
    }
    this.#writer.send(frame)
    const sending = this.#writer.sendPayload('responsePayload', id, payload, end)
    const drop = () => sending.drop()
    over.signal.addEventListener('abort', drop, { once: true })
    await sending.done
    over.signal.removeEventListener('abort', drop)
    if (!sending.complete) throw over.signal.reason as Error
  }

  #refuse(served: Served, error: unknown): void {
    served.release()
    const [code, message] = this.#asAnswer(served, error)
    const frame = encodeFrame('error', served.id, encodeError(code, message))
    this.#writer.send(frame, () => this.#served.delete(served.id))
  }

  #asAnswer(served: Served, error: unknown): [code: string, message: string] {
    if (served.over.signal.aborted) return ['cancelled', 'cancelled']
    if (isDreyError(error)) return [error.code, error.message]
    this.#log.error('a request could not be answered', { why: messageOf(error) })
    return ['protocol', 'the request failed for a reason that only its log tells'] // Not for outsiders.
  }
}
