import { formatAddress } from '../address/address.ts'
import { parseLink } from '../address/link.ts'
import { asBuffer, counted } from '../base/bytes.ts'
import { DreyError, isDreyError } from '../base/error.ts'
import { ask, followLines, readLines, readReply, settleRead } from '../gateway/ask.ts'
import type { FindReply, PutReply } from '../gateway/blobs.ts'
import type { Door, DoorReply, DoorRequest } from '../gateway/door.ts'
import type { DreyEvent } from '../gateway/events.ts'
import type { Invitation } from '../gateway/invites.ts'
import type { KeepReply, ListReply, RemoveReply } from '../gateway/leases.ts'
import type { MemberView } from '../gateway/members.ts'
import type { NodeStatus } from '../gateway/status.ts'
import type { Examination } from '../mend/examine.ts'
import { ReadContent, type Content, type Reading } from './content.ts'
import type { Drey, Reference } from './drey.ts'
import type { CheckOptions, GetOptions, InviteOptions, KeepOptions } from './options.ts'
import type { ListOptions, Options, PutOptions } from './options.ts'
import { noted, pulled, type Source } from './source.ts'
import { forMs, queryOf, rangeHeader } from './words.ts'

/** What stands behind a Drey. */
export interface DoorDreyParts {
  readonly door: Door
  /** Whether the door's chunks are read until the next one is asked for: then they are copied. */
  readonly isLent: boolean
  /** Called once, when it is closed. */
  readonly close: () => Promise<void>
}

type Request = Options & Partial<Pick<DoorRequest, 'query' | 'headers' | 'body'>>

/** A node, spoken to through its door: in this process, or over its local socket. */
export class DoorDrey implements Drey {
  readonly #parts: DoorDreyParts
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined

  constructor(parts: DoorDreyParts) {
    this.#parts = parts
  }

  async put(given: Source, options: PutOptions = {}): Promise<PutReply> {
    const { name, hash, code, expires, onProgress = () => {}, ...rest } = options
    const query = queryOf({ name, hash, code, lease: forMs(expires) })
    let bytes = 0
    const count = (size: number) => onProgress((bytes += size))
    const failures: unknown[] = []
    const source = counted(pulled(given, this.#until(rest)), count)
    const body = noted(source, (error) => failures.push(error))
    try {
      return await this.#read('PUT', '/blob', { ...rest, query, body })
    } catch (error) {
      throw failures.length > 0 ? failures[0] : error // As the source said it, whatever came of it.
    }
  }

  get(reference: Reference, options: GetOptions = {}): Content {
    const { path, headers } = blobOf(reference)
    const range = rangeHeader(options.range ?? {})
    const size = async () => {
      const reply = await this.#ask('HEAD', path, { ...options, headers })
      return Number(reply.headers['drey-size'])
    }
    return new ReadContent({
      isLent: this.#parts.isLent,
      size,
      begin: async () =>
        range === 'empty'
          ? { length: 0, size: await size(), chunks: nothing() }
          : this.#beginReading(path, { ...headers, ...range }, options),
    })
  }

  async range(
    reference: Reference,
    start: number,
    end: number,
    options: Options = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.get(reference, { ...options, range: { start, end } }).bytes()
  }

  async has(reference: Reference, options: Options = {}): Promise<boolean> {
    const { path, headers } = blobOf(reference)
    try {
      await this.#ask('HEAD', path, { ...options, headers })
      return true
    } catch (error) {
      if (isDreyError(error, 'no-read-secret')) return true // It was found before it was to be opened.
      if (isDreyError(error, 'not-found') || isDreyError(error, 'not-enough-shards')) return false
      throw error
    }
  }

  async find(reference: Reference, options: Options = {}): Promise<FindReply> {
    return this.#read('GET', `/find/${addressOf(reference)}`, options)
  }

  async check(reference: Reference, options: CheckOptions = {}): Promise<Examination> {
    const { deep = false, onProgress = () => {}, ...rest } = options
    const query = queryOf(deep ? { deep: '' } : {})
    const { body } = await this.#ask('GET', `/check/${addressOf(reference)}`, { ...rest, query })
    return this.#unlessOver(rest, followLines(body, onProgress))
  }

  async keep(reference: Reference, options: KeepOptions = {}): Promise<KeepReply> {
    const { name, expires, onProgress = () => {}, ...rest } = options
    const query = queryOf({ name, lease: forMs(expires) })
    const { body } = await this.#ask('POST', `/keep/${addressOf(reference)}`, { ...rest, query })
    return this.#unlessOver(rest, followLines(body, onProgress))
  }

  async remove(reference: Reference, options: Options = {}): Promise<RemoveReply> {
    return this.#read('DELETE', `/blob/${addressOf(reference)}`, options)
  }

  async list({ search, sort, limit, ...rest }: ListOptions = {}): Promise<ListReply> {
    return this.#read('GET', '/list', { ...rest, query: queryOf({ search, sort, limit }) })
  }

  async status(options: Options = {}): Promise<NodeStatus> {
    return this.#read('GET', '/status', options)
  }

  async members(options: Options = {}): Promise<MemberView[]> {
    return this.#read('GET', '/members', options)
  }

  async whenLive(count: number, options: Options = {}): Promise<MemberView[]> {
    const members = new Map<string, MemberView>()
    for await (const event of this.events(options)) {
      if (event.type === 'member') members.set(event.member.id, event.member)
      if (event.type === 'gone') members.delete(event.member.id)
      const here = [...members.values()].filter(({ state }) => state === 'this' || state === 'live')
      if (here.length >= count) return here
    }
    throw closed()
  }

  async invite({ expires, signal, ...wish }: InviteOptions = {}): Promise<Invitation> {
    const body = pulled(
      JSON.stringify({ ...wish, expiresMs: forMs(expires) }),
      this.#until({ signal }),
    )
    return this.#read('POST', '/invites', { signal, body })
  }

  async *events(options: Options = {}): AsyncGenerator<DreyEvent> {
    try {
      const { body } = await this.#ask('GET', '/events', options)
      yield* readLines<DreyEvent>(body)
    } catch (error) {
      options.signal?.throwIfAborted()
      if (!this.#closing.signal.aborted) throw error
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(closed())
    return (this.#closed ??= this.#parts.close())
  }

  /** Aborts when the asker's signal does, or when this is closed. */
  #until({ signal }: Options): AbortSignal {
    const { signal: closing } = this.#closing
    return signal === undefined ? closing : AbortSignal.any([closing, signal])
  }

  async #ask(method: string, path: string, request: Request): Promise<DoorReply> {
    const signal = this.#until(request)
    signal.throwIfAborted()
    const { query, headers, body } = request
    const given = { ...(query && { query }), ...(headers && { headers }), ...(body && { body }) }
    return ask(this.#parts.door, method, path, { ...given, signal })
  }

  async #read<T>(method: string, path: string, request: Request): Promise<T> {
    return readReply<T>(await this.#ask(method, path, request))
  }

  async #beginReading(
    path: string,
    headers: Record<string, string>,
    options: GetOptions,
  ): Promise<Reading> {
    const query = queryOf({ report: '' })
    const reply = await this.#ask('GET', path, { ...options, headers, query })
    const length = Number(reply.headers['drey-length'])
    const chunks = this.#chunksOf(reply, length, options)
    return { length, size: Number(reply.headers['drey-size']), chunks }
  }

  async *#chunksOf(
    reply: DoorReply,
    length: number,
    options: GetOptions,
  ): AsyncGenerator<Uint8Array> {
    let done = 0
    for await (const chunk of reply.body) {
      done += chunk.length
      yield chunk
    }
    this.#until(options).throwIfAborted() // Its reason, in place of what the node says of the end.
    for (const finding of settleRead(reply, { done, size: length })) options.onFinding?.(finding)
  }

  /** The asker's own reason, in place of what the node says of an end that the asker caused. */
  async #unlessOver<T>(options: Options, work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      this.#until(options).throwIfAborted()
      throw error
    }
  }
}

function closed(): DreyError {
  return new DreyError('unreachable', 'this node was closed: open it again, or connect to it')
}

function addressOf(reference: Reference): string {
  return formatAddress(parseLink(reference).address)
}

/** Where a blob is read, and with which key. */
function blobOf(reference: Reference): { path: string; headers: Record<string, string> } {
  const { address, key } = parseLink(reference)
  const path = `/blob/${formatAddress(address)}`
  if (key === undefined) return { path, headers: {} }
  return { path, headers: { 'drey-key': asBuffer(key).toString('base64url') } }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
