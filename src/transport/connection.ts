import type { Duplex } from 'node:stream'
import { free } from '../base/bytes.ts'
import { systemClock, type Clock } from '../base/clock.ts'
import { DreyError, isDreyError, messageOf } from '../base/error.ts'
import { silentLog, type Log } from '../base/log.ts'
import * as frames from './frame.ts'
import { FrameReader } from './frameReader.ts'
import { Incoming, type Answerer } from './incoming.ts'
import { Outgoing } from './outgoing.ts'
import type { Message, RequestOptions } from './transporter.ts'
import { FrameWriter } from './writer.ts'

export interface ConnectionOptions {
  readonly log?: Log
  readonly clock?: Clock
  /** Bytes of requests' payloads that a peer may have on their way to this side, or unreleased. */
  readonly requestWindowBytes?: number
  /** The same for the payloads of answers to this side's requests. */
  readonly responseWindowBytes?: number
  readonly payloadBytesMax?: number
  /** Requests of one peer that are answered at a time. */
  readonly requestsMax?: number
  /** How long an answer may take, unless a request says otherwise. */
  readonly answerMs?: number
  /** A peer that says nothing for so long, though asked, is gone. */
  readonly aliveMs?: number
  /** A peer that takes nothing of what is there for it for so long is dropped. */
  readonly drainMs?: number
}

export const connectionDefaults = {
  log: silentLog,
  clock: systemClock,
  requestWindowBytes: 2 << 20, // A few shards; times the peers, it is what others can make us hold.
  responseWindowBytes: 4 << 20, // Sixteen shards of 256 KiB: a round trip of 40 ms at 100 MB/s.
  payloadBytesMax: 4 << 20, // A shard is at most a segment, 1 MiB, and a little.
  requestsMax: 128,
  answerMs: 30_000,
  aliveMs: 15_000,
  drainMs: 30_000,
} as const satisfies Required<ConnectionOptions>

const byeMs = 1_000 // For a peer to take the last words before the socket is cut.
const retireMs = 10_000 // For requests under way on a connection that another one replaces.

/**
 * One connection to one peer: many requests at a time, both ways, on one stream (see frame.ts for what
 * goes over it). Whatever the peer sends, memory stays within the limits, and a peer that breaks the
 * agreement is dropped with a reason in the log. The stream's chunks are this class's to free.
 */
export class Connection {
  /** Resolves with the reason when the connection is over. */
  readonly ended: Promise<string>
  readonly #stream: Duplex
  readonly #peer: string
  readonly #answerer: Answerer
  readonly #limits: Required<ConnectionOptions>
  readonly #ours: frames.Hello
  readonly #writer: FrameWriter
  readonly #over = new AbortController()
  readonly #greeting = Promise.withResolvers<void>()
  readonly #settleEnded: (reason: string) => void
  #outgoing: Outgoing | undefined
  #incoming: Incoming | undefined
  /** Whether anything has come since the watch last looked. */
  #heard = false
  #leaving = false

  /** `peer` says in the log whom this is about. */
  constructor(stream: Duplex, peer: string, answerer: Answerer, options: ConnectionOptions = {}) {
    this.#peer = peer
    const limits = { ...connectionDefaults, ...options }
    this.#stream = stream
    this.#answerer = answerer
    this.#limits = limits
    this.#ours = {
      version: frames.version,
      requestWindow: limits.requestWindowBytes,
      responseWindow: limits.responseWindowBytes,
      payloadMax: limits.payloadBytesMax,
      requests: limits.requestsMax,
    }
    const { promise, resolve } = Promise.withResolvers<string>()
    this.ended = promise
    this.#settleEnded = resolve
    this.#greeting.promise.catch(() => {}) // Whoever waits for the greeting sees it; others see `ended`.
    this.#writer = new FrameWriter(stream, limits.clock)
    this.#writer.send(frames.encodeFrame('hello', 0, frames.encodeHello(this.#ours)))
    this.#listen()
    void this.#watch()
  }

  /** Resolves when the other side has greeted: it accepts us. Rejects when it ends instead. */
  get greeted(): Promise<void> {
    return this.#greeting.promise
  }

  /** Whether new requests may be made here. */
  get open(): boolean {
    return !this.#leaving && !this.#over.signal.aborted && this.#outgoing !== undefined
  }

  /** As `Peer.request`. */
  async request(message: Message, options: RequestOptions = {}): Promise<Message> {
    const timeoutMs = options.timeoutMs ?? this.#limits.answerMs
    if (this.#outgoing !== undefined)
      return this.#outgoing.request(message, { ...options, timeoutMs })
    message.release?.()
    throw new DreyError('unreachable', 'the peer has not greeted yet')
  }

  /** Ends now, telling the other side why. What is under way fails with 'unreachable'. */
  close(reason: string): void {
    if (this.#over.signal.aborted) return
    this.#writer.finish(frames.encodeFrame('bye', 0, frames.encodeBye(reason)))
    this.#end(reason, 'info', byeMs)
  }

  /** Lets what is under way end, here and there, and closes then, or when that takes too long. */
  async retire(reason: string): Promise<void> {
    if (this.#leaving || this.#over.signal.aborted) return
    this.#leaving = true
    this.#writer.send(frames.encodeFrame('bye', 0, frames.encodeBye(reason)))
    const { clock } = this.#limits
    const until = clock.now() + retireMs
    try {
      // A rest first: requests that the other side made before it heard of this may be on their way.
      do await clock.sleep(retireMs / 100, this.#over.signal)
      while (!this.#idle && clock.now() < until)
    } catch {
      return // It has ended meanwhile.
    }
    this.close(reason)
  }

  get #idle(): boolean {
    return (this.#outgoing?.idle ?? true) && (this.#incoming?.idle ?? true)
  }

  #listen(): void {
    const reader = new FrameReader({
      payload: (head, part) =>
        head.name === 'requestPayload'
          ? this.#greetedIncoming().payload(head.id, part)
          : this.#greetedOutgoing().payload(head.id, part),
      control: (head, body) => this.#control(head, body),
    })
    this.#stream.on('data', (chunk: Uint8Array) => {
      try {
        this.#heard = true
        if (!this.#over.signal.aborted) reader.push(chunk)
      } catch (error) {
        this.#broken(error)
      } finally {
        free(chunk) // All of it was copied to its place.
      }
    })
    this.#stream.on('error', (error) => this.#end(messageOf(error), 'info'))
    this.#stream.on('end', () => this.#end('the other side ended the connection', 'info'))
    this.#stream.on('close', () => this.#end('the connection was lost', 'info'))
  }

  #control(head: frames.Head, body: Uint8Array): void {
    switch (head.name) {
      case 'hello':
        return this.#hello(frames.decodeHello(body))
      case 'bye':
        return this.#bye(frames.decodeBye(body))
      case 'request':
        return this.#greetedIncoming().request(head.id, body)
      case 'cancel':
        return this.#greetedIncoming().cancel(head.id)
      case 'response':
        return this.#greetedOutgoing().response(head.id, body)
      case 'error':
        return this.#greetedOutgoing().error(head.id, body)
      case 'credit': {
        const { request, response } = frames.decodeCredit(body)
        this.#greetedOutgoing().credit(request)
        return this.#greetedIncoming().credit(response)
      }
      case 'ping':
        return this.#writer.pong(head.id)
      case 'pong':
        return // Having been heard is all that was asked.
      case 'requestPayload':
      case 'responsePayload':
        throw new Error('pieces of payload are handed over elsewhere')
    }
  }

  #hello(theirs: frames.Hello): void {
    if (this.#outgoing !== undefined) throw frames.broken('a second hello')
    const { clock, log } = this.#limits
    this.#outgoing = new Outgoing(this.#writer, clock, this.#ours, theirs)
    this.#incoming = new Incoming(this.#writer, log, this.#answerer, this.#ours, theirs)
    this.#greeting.resolve()
  }

  #bye(reason: string): void {
    this.#leaving = true
    if (this.#outgoing === undefined) this.#end(reason, 'info')
  }

  #greetedOutgoing(): Outgoing {
    if (this.#outgoing === undefined) throw frames.broken('something else before hello')
    return this.#outgoing
  }

  #greetedIncoming(): Incoming {
    if (this.#incoming === undefined) throw frames.broken('something else before hello')
    return this.#incoming
  }

  /** Notices peers that are gone without a word, and peers that do not read. */
  async #watch(): Promise<void> {
    const { clock, aliveMs, drainMs } = this.#limits
    let heardAt = clock.now()
    while (!this.#over.signal.aborted) {
      try {
        await clock.sleep(Math.min(aliveMs, drainMs) / 3, this.#over.signal)
      } catch {
        return // It has ended.
      }
      const now = clock.now()
      if (this.#heard) heardAt = now
      this.#heard = false
      if (now - heardAt >= aliveMs) this.#end(`it was silent for ${aliveMs} ms`, 'info')
      else if (this.#writer.stalledMs(now) >= drainMs) {
        this.#end(`it read nothing for ${drainMs} ms`, 'warn')
      } else if (now - heardAt > 0) this.#writer.ping()
    }
  }

  #broken(error: unknown): void {
    if (!isDreyError(error, 'protocol')) throw error // A bug of ours: not the peer's fault.
    this.#end(`it broke the protocol: ${error.message}`, 'warn')
  }

  #end(reason: string, level: 'info' | 'warn', lingerMs = 0): void {
    if (this.#over.signal.aborted) return
    const { clock, log } = this.#limits
    const gone = new DreyError('unreachable', `the connection is gone: ${reason}`)
    this.#over.abort(gone)
    log[level]('connection ended', { peer: this.#peer, reason })
    this.#outgoing?.end(gone)
    this.#incoming?.end(gone)
    this.#writer.close()
    this.#greeting.reject(gone)
    if (lingerMs === 0) this.#stream.destroy()
    else void clock.sleep(lingerMs).then(() => this.#stream.destroy())
    this.#settleEnded(reason)
  }
}
