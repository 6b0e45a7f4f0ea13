import { parseAddress, type Address } from '../address/address.ts'
import { formatLink } from '../address/link.ts'
import { free, type Bytes } from '../base/bytes.ts'
import { DreyError, messageOf } from '../base/error.ts'
import { Inbox } from '../base/inbox.ts'
import { Tasks, type Begin } from '../base/tasks.ts'
import type { Lease } from '../lease/lease.ts'
import type { LeaseWish } from '../lease/own.ts'
import type { Covering } from '../mend/covering.ts'
import type { Orchestrator } from '../node/orchestrator.ts'
import type { PutUnder } from '../node/orchestratorParts.ts'
import { describeReceipt, nothingPut, sumOf, type Receipt } from '../node/receipt.ts'
import { inlineBytesMax } from '../manifest/node.ts'
import { decodeFrames, frameTypes } from './batchFrames.ts'
import { readPutWish, type PutWish } from './blobs.ts'
import type { PartDoor } from './door.ts'
import { errorBody, type ErrorBody } from './errors.ts'
import { readLeaseWish } from './leases.ts'

const defaults = {
  smallAhead: 16, // Small ones wait for their holders' disks at the same time.
  largeAhead: 2, // Each takes as much memory as a put of its own; while one is finished, another comes.
  keptAhead: 256, // They are asked about together.
} as const

/** A line of the answer. Blobs are numbered from zero as they began, what is kept too. */
export type BatchLine =
  | { readonly ready: true }
  | { readonly stored: number; readonly link: string; readonly size: number }
  | { readonly kept: number; readonly isHere: boolean }
  | { readonly outcome: BatchOutcome }
  | ErrorBody

/** How all of it is stored. */
export interface BatchOutcome extends Receipt {
  /** What was achieved, in words. */
  readonly summary: string
}

export interface BatchParts {
  readonly node: Pick<Orchestrator, 'putAll'>
  readonly covering: (lease: Lease, signal: AbortSignal) => Covering
}

interface Incoming {
  readonly number: number
  /** Its first bytes. */
  readonly start: Uint8Array[]
  size: number
  /** What comes then, when it is large. */
  rest?: Inbox<Uint8Array>
}

interface BatchOptions extends PutWish {
  readonly lease: LeaseWish
  readonly signal: AbortSignal
}

interface BlobName {
  readonly address: Address
  readonly size: number
}

/**
 * `POST /batch` stores many blobs under one lease, as a folder's: frames in (see `batchFrames.ts`), and lines of
 * JSON out, in the order in which they are done. When it fails, or the asker leaves, nothing of it is kept.
 */
export function batchDoor(parts: BatchParts): PartDoor {
  return ({ path, method, query, body, signal }) => {
    if (path !== '/batch' || method !== 'POST') return undefined
    const wish = { ...readPutWish(query), lease: readLeaseWish(query), signal }
    const lines = new Inbox<BatchLine>()
    void lines.push({ ready: true })
    const batch = new Batch(parts, wish, lines)
    void batch
      .run(body)
      .then((outcome) => ({ outcome }), errorBody)
      .then((line) => {
        void lines.push(line)
        lines.end()
      })
    const headers = { 'content-type': 'application/x-ndjson' }
    return Promise.resolve({ status: 200, headers, body: encoded(lines) })
  }
}

const unended = 'something else in the middle of a blob'

/** One batch: reads frames, and has blobs put and kept, several at a time. */
class Batch {
  readonly #parts: BatchParts
  readonly #options: BatchOptions
  readonly #lines: Inbox<BatchLine>
  readonly #tasks: Tasks
  readonly #beginSmall: Begin
  readonly #beginLarge: Begin
  readonly #beginKeep: Begin
  #count = 0
  #receipt: Receipt | undefined
  /** The one that comes. */
  #blob: Incoming | undefined

  constructor(parts: BatchParts, options: BatchOptions, lines: Inbox<BatchLine>) {
    this.#parts = parts
    this.#options = options
    this.#lines = lines
    this.#tasks = new Tasks(options.signal)
    this.#beginSmall = this.#tasks.lane(defaults.smallAhead)
    this.#beginLarge = this.#tasks.lane(defaults.largeAhead)
    this.#beginKeep = this.#tasks.lane(defaults.keptAhead)
  }

  async run(source: Bytes): Promise<BatchOutcome> {
    await this.#parts.node.putAll(this.#options.lease, async (put, lease) => {
      const covering = this.#parts.covering(lease, this.#tasks.signal)
      // What fails ends it, whether more is sent or not: the asker may be waiting for an answer.
      const reading = Promise.race([this.#read(source, put, covering), aborted(this.#tasks.signal)])
      const root = await reading.catch((error: Error) => {
        this.#tasks.fail(error)
        this.#blob?.rest?.end(error)
      })
      await this.#tasks.done()
      return root!
    })
    const receipt = this.#receipt ?? nothingPut
    return { ...receipt, summary: describeReceipt(receipt) }
  }

  /** All frames; what the last one says stands for everything. */
  async #read(source: Bytes, put: PutUnder, covering: Covering): Promise<BlobName> {
    for await (const { type, body } of decodeFrames(source)) {
      this.#tasks.signal.throwIfAborted()
      const isOfBlob = type === frameTypes.bytes || type === frameTypes.end
      if (this.#blob !== undefined && !isOfBlob) throw new DreyError('bad-input', unended)
      if (type === frameTypes.begin) this.#blob = { number: this.#count++, start: [], size: 0 }
      else if (type === frameTypes.bytes) await this.#take(body, put)
      else if (type === frameTypes.end) await this.#end(put)
      else if (type === frameTypes.keep) await this.#keep(readName(body), covering)
      else if (type === frameTypes.done) return readName(body)
      else throw new DreyError('bad-input', `no such frame: ${type}`)
    }
    throw new DreyError('bad-input', 'what was sent breaks off')
  }

  /** A blob that fits into its root is held until it ends; a larger one is stored while it comes. */
  async #take(body: Uint8Array, put: PutUnder): Promise<void> {
    const blob = this.#blob
    if (blob === undefined) throw new DreyError('bad-input', 'bytes of no blob')
    if (blob.rest !== undefined) return blob.rest.push(body, this.#tasks.signal)
    blob.start.push(new Uint8Array(body)) // A copy: a Buffer's `slice` is none.
    blob.size += body.length
    if (blob.size <= inlineBytesMax) return
    blob.rest = new Inbox()
    await this.#beginLarge(() => this.#store(blob.number, behind(blob.start, blob.rest!), put))
  }

  async #end(put: PutUnder): Promise<void> {
    const blob = this.#blob
    if (blob === undefined) throw new DreyError('bad-input', 'the end of no blob')
    this.#blob = undefined
    if (blob.rest !== undefined) return blob.rest.end()
    await this.#beginSmall(() => this.#store(blob.number, behind(blob.start, []), put))
  }

  async #store(number: number, content: Bytes, put: PutUnder): Promise<void> {
    const { hash, code } = this.#options
    const { receipt, size, ...link } = await put(content, {
      hash,
      code,
      signal: this.#tasks.signal,
    })
    this.#receipt = this.#receipt ? sumOf(this.#receipt, receipt) : receipt
    void this.#lines.push({ stored: number, link: formatLink(link), size })
  }

  async #keep(blob: BlobName, covering: Covering): Promise<void> {
    const number = this.#count++
    await this.#beginKeep(async () => {
      void this.#lines.push({ kept: number, isHere: await covering.cover(blob) })
    })
  }
}

/** Rejects with the signal's reason, when it has one. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

/** Throws 'bad-input'. */
function readName(json: Uint8Array): BlobName {
  const { address, size } = parseObject(json)
  if (typeof address === 'string' && typeof size === 'number') {
    return { address: parseAddress(address), size }
  }
  throw new DreyError('bad-input', 'a frame has no "address" or no "size"')
}

function parseObject(json: Uint8Array): Record<string, unknown> {
  try {
    return Object(JSON.parse(Buffer.from(json).toString('utf8'))) as Record<string, unknown>
  } catch (cause) {
    throw new DreyError('bad-input', `a frame is no JSON: ${messageOf(cause)}`, { cause })
  }
}

async function* behind(start: readonly Uint8Array[], rest: Bytes | Uint8Array[]): Bytes {
  for (const piece of start) {
    yield piece
    free(piece)
  }
  yield* rest
}

async function* encoded(lines: AsyncIterable<BatchLine>): AsyncGenerator<Uint8Array> {
  for await (const line of lines) yield Buffer.from(`${JSON.stringify(line)}\n`)
}
