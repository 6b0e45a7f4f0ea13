import { formatAddress, type Address } from '../address/address.ts'
import { parseLink, type Link } from '../address/link.ts'
import { free, type Bytes } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import { Inbox } from '../base/inbox.ts'
import type { Sink } from '../folder/sink.ts'
import { readLines } from './ask.ts'
import type { BatchLine, BatchOutcome } from './batch.ts'
import { frameHead, frameTypes, jsonFrame } from './batchFrames.ts'
import type { Door } from './door.ts'
import { errorFrom } from './errors.ts'

type Answer = Extract<BatchLine, { stored: number }> | Extract<BatchLine, { kept: number }>

interface Waiting {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/** The other end of `POST /batch`: blobs go one after the other, and what became of each comes as it is done. */
export class BatchClient implements Sink {
  readonly #frames = new Inbox<Uint8Array>()
  readonly #waiting = new Map<number, Waiting>()
  readonly #outcome: Promise<BatchOutcome>
  readonly #stop = new AbortController()
  #count = 0
  /** Resolves when the blob that is being sent has been. */
  #sent: Promise<void> = Promise.resolve()

  constructor(door: Door, query: URLSearchParams, signal: AbortSignal) {
    this.#outcome = this.#follow(door, query, AbortSignal.any([signal, this.#stop.signal]))
    this.#outcome.catch((error: unknown) => this.#fail(error))
  }

  async put(content: Bytes): Promise<Link & { size: number }> {
    const before = this.#sent
    const sent = Promise.withResolvers<void>()
    this.#sent = sent.promise
    await before
    try {
      const answer = this.#ask(frameHead(frameTypes.begin))
      answer.catch(() => {}) // Told below, once it has been sent; or sending fails for the same reason.
      await this.#send(content)
      sent.resolve()
      const { link, size } = (await answer) as Extract<Answer, { stored: number }>
      const { address, key } = parseLink(link)
      return { address, key: key!, size }
    } finally {
      sent.resolve()
    }
  }

  async keep({ address, size }: { address: Address; size: number }): Promise<boolean> {
    const blob = { address: formatAddress(address), size: Math.min(size, Number.MAX_SAFE_INTEGER) }
    const answer = await this.#ask(jsonFrame(frameTypes.keep, blob))
    return (answer as Extract<Answer, { kept: number }>).isHere
  }

  /** This blob stands for everything. Resolves when all of it is stored and leased. */
  async finish({ address, size }: { address: Address; size: number }): Promise<BatchOutcome> {
    void this.#push(jsonFrame(frameTypes.done, { address: formatAddress(address), size }))
    this.#frames.end()
    return this.#outcome
  }

  /** Nothing of it is wanted any more. */
  abandon(error: unknown): void {
    this.#stop.abort(error)
  }

  async #send(content: Bytes): Promise<void> {
    for await (const chunk of content) {
      void this.#push(frameHead(frameTypes.bytes, chunk.length))
      await this.#push(chunk)
      free(chunk)
    }
    void this.#push(frameHead(frameTypes.end))
  }

  #ask(frame: Uint8Array): Promise<Answer> {
    this.#stop.signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    this.#waiting.set(this.#count++, { resolve, reject })
    void this.#push(frame)
    return promise
  }

  #push(frame: Uint8Array): Promise<void> {
    this.#stop.signal.throwIfAborted()
    return this.#frames.push(frame)
  }

  async #follow(door: Door, query: URLSearchParams, signal: AbortSignal): Promise<BatchOutcome> {
    const body = this.#frames
    const reply = await door({ method: 'POST', path: '/batch', query, headers: {}, body, signal })
    for await (const line of readLines<BatchLine>(reply.body)) {
      if ('error' in line) throw errorFrom(line)
      if ('outcome' in line) return line.outcome
      if ('stored' in line) this.#answer(line.stored, line)
      if ('kept' in line) this.#answer(line.kept, line)
    }
    throw new DreyError('unreachable', 'the node has stopped in the middle of its answer')
  }

  #answer(number: number, answer: Answer): void {
    this.#waiting.get(number)?.resolve(answer)
    this.#waiting.delete(number)
  }

  #fail(error: unknown): void {
    this.#stop.abort(error)
    this.#frames.end()
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}

/** A batch that is begun when something is to be sent. */
export class LazyBatch implements Sink {
  readonly #begin: () => BatchClient
  #client: BatchClient | undefined

  constructor(door: Door, query: URLSearchParams, signal: AbortSignal) {
    this.#begin = () => new BatchClient(door, query, signal)
  }

  get isOpen(): boolean {
    return this.#client !== undefined
  }

  put(content: Bytes) {
    return this.#open().put(content)
  }

  keep(blob: { address: Address; size: number }) {
    return this.#open().keep(blob)
  }

  finish(blob: { address: Address; size: number }) {
    return this.#open().finish(blob)
  }

  abandon(error: unknown): void {
    this.#client?.abandon(error)
  }

  #open(): BatchClient {
    return (this.#client ??= this.#begin())
  }
}
