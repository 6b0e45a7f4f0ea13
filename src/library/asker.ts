import type { Address } from '../address/address.ts'
import { DreyError } from '../base/error.ts'
import { ask, readReply } from '../gateway/ask.ts'
import type { Door, DoorReply, DoorRequest } from '../gateway/door.ts'
import { follow } from '../gateway/place.ts'
import { resolve, resolveBlob, type Reference as Parsed } from '../gateway/reference.ts'
import type { Options } from './options.ts'

type Request = Options & Partial<Pick<DoorRequest, 'query' | 'headers' | 'body'>>

/** A blob that is meant, and what reads it when it is not the read secret. */
export interface Meant {
  readonly address: Address
  readonly key?: Uint8Array
}

/** Asks a node's door for as long as it is open, and the asker's signal has not aborted. */
export class Asker {
  readonly door: Door
  readonly #closing = new AbortController()

  constructor(door: Door) {
    this.door = door
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  /** What is under way ends, and what is asked later fails. */
  close(): void {
    this.#closing.abort(closed())
  }

  /** Aborts when the asker's signal does, or when this is closed. */
  until({ signal }: Options): AbortSignal {
    const { signal: closing } = this.#closing
    return signal === undefined ? closing : AbortSignal.any([closing, signal])
  }

  async ask(method: string, path: string, request: Request): Promise<DoorReply> {
    const signal = this.until(request)
    signal.throwIfAborted()
    const { query, headers, body } = request
    const given = { ...(query && { query }), ...(headers && { headers }), ...(body && { body }) }
    return ask(this.door, method, path, { ...given, signal })
  }

  async read<T>(method: string, path: string, request: Request): Promise<T> {
    return readReply<T>(await this.ask(method, path, request))
  }

  /** What stands there: a path is followed down. */
  async follow(reference: string | Parsed, options: Options): Promise<Meant> {
    const signal = this.until(options)
    signal.throwIfAborted()
    return follow(this.door, await resolve(this.door, reference, { signal }), signal)
  }

  /** A whole blob: a path behind it is refused. */
  async whole(reference: string, options: Options): Promise<Meant> {
    const signal = this.until(options)
    signal.throwIfAborted()
    return resolveBlob(this.door, reference, { signal })
  }

  /** The asker's own reason, in place of what the node says of an end that the asker caused. */
  async unlessOver<T>(options: Options, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      this.until(options).throwIfAborted()
      throw error
    }
  }
}

/** Why a Drey that was closed answers nothing. */
export function closed(): DreyError {
  return new DreyError('unreachable', 'this node was closed: open it again, or connect to it')
}
