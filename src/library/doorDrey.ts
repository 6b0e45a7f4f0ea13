import { formatAddress } from '../address/address.ts'
import { counted } from '../base/bytes.ts'
import { isDreyError } from '../base/error.ts'
import { followLines, readLines, settleRead } from '../gateway/ask.ts'
import { keyHeader } from '../gateway/blobClient.ts'
import type { FindReply, PutReply } from '../gateway/blobs.ts'
import type { Door, DoorReply } from '../gateway/door.ts'
import type { DreyEvent } from '../gateway/events.ts'
import type { Invitation } from '../gateway/invites.ts'
import type { KeepReply, ListReply, RemoveReply } from '../gateway/leases.ts'
import type { MemberView } from '../gateway/members.ts'
import { parseReference } from '../gateway/reference.ts'
import type { NodeStatus } from '../gateway/status.ts'
import type { Examination } from '../mend/examine.ts'
import { Asker, closed, type Meant } from './asker.ts'
import { ReadContent, type Content, type Reading } from './content.ts'
import type { Drey, Reference } from './drey.ts'
import type { FolderEntry, GetFolderReply, PutFolderReply } from './folders.ts'
import { DoorNames, type Names } from './names.ts'
import type { CheckOptions, EntriesOptions, GetFolderOptions, GetOptions } from './options.ts'
import type { InviteOptions, KeepOptions, ListOptions, Options } from './options.ts'
import type { PutFolderOptions, PutOptions } from './options.ts'
import { noted, pulled, type Source } from './source.ts'
import { forMs, queryOf, rangeHeader } from './words.ts'

/** What stands behind a Drey. */
export interface DoorDreyParts {
  readonly door: Door
  /** Whether the door's chunks are read until the next one is asked for: then they are copied. */
  readonly isLent: boolean
  /** The file that says what was stored of which folder of this machine. */
  readonly folderCache: string
  /** Called once, when it is closed. */
  readonly close: () => Promise<void>
}

/** A node, spoken to through its door: in this process, or over its local socket. */
export class DoorDrey implements Drey {
  readonly names: Names
  readonly #parts: DoorDreyParts
  readonly #asker: Asker
  #closed: Promise<void> | undefined

  constructor(parts: DoorDreyParts) {
    this.#parts = parts
    this.#asker = new Asker(parts.door)
    this.names = new DoorNames(this.#asker)
  }

  async put(given: Source, options: PutOptions = {}): Promise<PutReply> {
    const { name, hash, code, expires, onProgress = () => {}, ...rest } = options
    const query = queryOf({ name, hash, code, lease: forMs(expires) })
    let bytes = 0
    const count = (size: number) => onProgress((bytes += size))
    const failures: unknown[] = []
    const source = counted(pulled(given, this.#asker.until(rest)), count)
    const body = noted(source, (error) => failures.push(error))
    try {
      return await this.#asker.read('PUT', '/blob', { ...rest, query, body })
    } catch (error) {
      throw failures.length > 0 ? failures[0] : error // As the source said it, whatever came of it.
    }
  }

  get(reference: Reference, options: GetOptions = {}): Content {
    const parsed = parseReference(reference)
    const range = rangeHeader(options.range ?? {})
    const size = async () => {
      const reply = await this.#head(await this.#asker.follow(parsed, options), options)
      return Number(reply.headers['drey-size'])
    }
    return new ReadContent({
      isLent: this.#parts.isLent,
      size,
      begin: async () =>
        range === 'empty'
          ? { length: 0, size: await size(), chunks: nothing() }
          : this.#beginReading(await this.#asker.follow(parsed, options), range, options),
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
    try {
      return await this.#isThere(await this.#asker.follow(reference, options), options)
    } catch (error) {
      if (isDreyError(error, 'not-found') || isDreyError(error, 'not-enough-shards')) return false
      throw error
    }
  }

  async find(reference: Reference, options: Options = {}): Promise<FindReply> {
    const { address } = await this.#asker.whole(reference, options)
    return this.#asker.read('GET', `/find/${formatAddress(address)}`, options)
  }

  async check(reference: Reference, options: CheckOptions = {}): Promise<Examination> {
    const { deep = false, onProgress = () => {}, ...rest } = options
    const wanted = await this.#asker.whole(reference, rest)
    const path = `/check/${formatAddress(wanted.address)}`
    const asked = { ...rest, query: queryOf(deep ? { deep: '' } : {}), headers: keyHeader(wanted) }
    const { body } = await this.#asker.ask('GET', path, asked)
    return this.#asker.unlessOver(rest, () => followLines(body, onProgress))
  }

  async keep(reference: Reference, options: KeepOptions = {}): Promise<KeepReply> {
    const { name, expires, onProgress = () => {}, ...rest } = options
    const wanted = await this.#asker.whole(reference, rest)
    const query = queryOf({ name, lease: forMs(expires) })
    const path = `/keep/${formatAddress(wanted.address)}`
    const asked = { ...rest, query, headers: keyHeader(wanted) }
    const { body } = await this.#asker.ask('POST', path, asked)
    return this.#asker.unlessOver(rest, () => followLines(body, onProgress))
  }

  async remove(reference: Reference, options: Options = {}): Promise<RemoveReply> {
    const { address } = await this.#asker.whole(reference, options)
    return this.#asker.read('DELETE', `/blob/${formatAddress(address)}`, options)
  }

  async putFolder(path: string, options: PutFolderOptions = {}): Promise<PutFolderReply> {
    const { putFolder } = await import('./folders.ts')
    const cache = this.#parts.folderCache
    return this.#asker.unlessOver(options, () =>
      putFolder(this.#asker, path, { ...options, cache }),
    )
  }

  async getFolder(
    reference: Reference,
    path: string,
    options: GetFolderOptions = {},
  ): Promise<GetFolderReply> {
    const { getFolder } = await import('./folders.ts')
    return this.#asker.unlessOver(options, () => getFolder(this.#asker, reference, path, options))
  }

  async *entries(reference: Reference, options: EntriesOptions = {}): AsyncGenerator<FolderEntry> {
    const { entries } = await import('./folders.ts')
    yield* entries(this.#asker, reference, options)
  }

  async list({ search, sort, limit, ...rest }: ListOptions = {}): Promise<ListReply> {
    return this.#asker.read('GET', '/list', { ...rest, query: queryOf({ search, sort, limit }) })
  }

  async status(options: Options = {}): Promise<NodeStatus> {
    return this.#asker.read('GET', '/status', options)
  }

  async members(options: Options = {}): Promise<MemberView[]> {
    return this.#asker.read('GET', '/members', options)
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
      this.#asker.until({ signal }),
    )
    return this.#asker.read('POST', '/invites', { signal, body })
  }

  async *events(options: Options = {}): AsyncGenerator<DreyEvent> {
    try {
      const { body } = await this.#asker.ask('GET', '/events', options)
      yield* readLines<DreyEvent>(body)
    } catch (error) {
      options.signal?.throwIfAborted()
      if (!this.#asker.isClosed) throw error
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#asker.close()
    return (this.#closed ??= this.#parts.close())
  }

  #head(wanted: Meant, options: Options): Promise<DoorReply> {
    return this.#asker.ask('HEAD', pathOf(wanted), { ...options, headers: keyHeader(wanted) })
  }

  async #isThere(wanted: Meant, options: Options): Promise<boolean> {
    try {
      await this.#head(wanted, options)
      return true
    } catch (error) {
      if (isDreyError(error, 'no-read-secret')) return true // It was found before it was to be opened.
      throw error
    }
  }

  async #beginReading(
    wanted: Meant,
    range: { range?: string },
    options: GetOptions,
  ): Promise<Reading> {
    const asked = { query: queryOf({ report: '' }), headers: { ...keyHeader(wanted), ...range } }
    const reply = await this.#asker.ask('GET', pathOf(wanted), { ...options, ...asked })
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
    this.#asker.until(options).throwIfAborted() // Its reason, in place of what the node says of the end.
    for (const finding of settleRead(reply, { done, size: length })) options.onFinding?.(finding)
  }
}

function pathOf({ address }: Meant): string {
  return `/blob/${formatAddress(address)}`
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
