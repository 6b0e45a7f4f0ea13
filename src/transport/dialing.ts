import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import { DreyError, isDreyError, messageOf } from '../base/error.ts'
import { whyNotValid, type Identity, type Member } from './identity.ts'
import { Patience } from './patience.ts'
import { isRefusal, whyRefused } from './refusal.ts'
import { Dialer, Handshakes, membersProtocol, secured, type TlsSocket } from './tls.ts'

export interface DialingParts {
  readonly identity: Identity
  readonly clock: Clock
  readonly handshakeMs: number
  /** When it aborts, nothing more is dialed. */
  readonly over: AbortSignal
  /** Who is at the other end. Throws 'not-a-member'. */
  readonly vouchedOf: (socket: TlsSocket) => Member
}

/** What becomes of a socket whose other end is known. */
export type Opening<T> = (socket: TlsSocket, member: Member) => Promise<T>

/**
 * Handshakes that this side asked for, each within its time. What fails is 'unreachable', 'not-a-member'
 * when one of the two does not accept the other, or 'bad-input' for what is no address, or this node's own.
 */
export class Dialing {
  readonly #parts: DialingParts
  readonly #dialer: Dialer
  readonly #underway = new Set<Promise<unknown>>()
  #identity: Identity

  constructor(parts: DialingParts) {
    this.#parts = parts
    this.#identity = parts.identity
    this.#dialer = new Dialer(parts.identity)
  }

  renew(identity: Identity): void {
    this.#identity = identity
    this.#dialer.renew(identity)
  }

  /** A handshake with whoever is at "host:port". */
  dial<T>(
    address: string,
    protocol: string,
    signal: AbortSignal | undefined,
    open: Opening<T>,
  ): Promise<T> {
    const shake = (limit: AbortSignal) => this.#asClient(address, protocol, limit)
    return this.#follow(this.#within(address, signal, shake, open))
  }

  /** A handshake with whoever is at the other end of a stream that somebody else carries. */
  async over<T>(
    stream: Duplex,
    options: { side: 'client' | 'server'; address: string; signal?: AbortSignal },
    open: Opening<T>,
  ): Promise<T> {
    const { side, address, signal } = options
    const shake = (limit: AbortSignal) =>
      side === 'client'
        ? this.#asClient(stream, membersProtocol, limit)
        : this.#asServer(stream, limit)
    try {
      return await this.#follow(this.#within(address, signal, shake, open))
    } catch (error) {
      stream.destroy()
      throw error
    }
  }

  /** Resolves when nothing is being dialed any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underway)
  }

  #follow<T>(work: Promise<T>): Promise<T> {
    this.#underway.add(work)
    const over = () => void this.#underway.delete(work)
    work.then(over, over)
    return work
  }

  async #within<T>(
    address: string,
    signal: AbortSignal | undefined,
    shake: (limit: AbortSignal) => Promise<TlsSocket>,
    open: Opening<T>,
  ): Promise<T> {
    const { clock, handshakeMs, over, vouchedOf } = this.#parts
    const outer = AbortSignal.any([...(signal ? [signal] : []), over])
    outer.throwIfAborted()
    const why = whyNotValid(this.#identity.certificatePem, clock.now())
    if (why !== undefined) {
      throw new DreyError('not-a-member', `this node's certificate is not valid: ${why}`)
    }
    const late = `${address} did not answer within ${handshakeMs} ms`
    using patience = new Patience(clock, handshakeMs, new DreyError('unreachable', late))
    const limit = AbortSignal.any([outer, patience.signal])
    let socket: TlsSocket | undefined
    const leave = () => void socket?.destroy(limit.reason as Error)
    limit.addEventListener('abort', leave, { once: true })
    try {
      socket = await shake(limit)
      return await open(socket, vouchedOf(socket))
    } catch (error) {
      socket?.destroy()
      outer.throwIfAborted()
      throw whyNot(address, limit.aborted ? limit.reason : error)
    } finally {
      limit.removeEventListener('abort', leave)
    }
  }

  async #asClient(to: string | Duplex, protocol: string, limit: AbortSignal): Promise<TlsSocket> {
    const socket = this.#dialer.begin(to, protocol)
    await secured(socket, limit)
    return socket
  }

  async #asServer(stream: Duplex, limit: AbortSignal): Promise<TlsSocket> {
    const { promise, resolve, reject } = Promise.withResolvers<TlsSocket>()
    const leave = () => {
      stream.destroy()
      reject(limit.reason as Error)
    }
    limit.addEventListener('abort', leave, { once: true })
    stream.once('close', () => reject(new Error('it ended the connection during the handshake')))
    const speaks = (protocol: string) => protocol === membersProtocol
    new Handshakes(this.#identity, { speaks, done: resolve, failed: reject }).begin(stream)
    try {
      const socket = await promise
      socket.on('error', () => {}) // The connection hears it too, and 'close' follows.
      return socket
    } finally {
      limit.removeEventListener('abort', leave)
    }
  }
}

/** Why nothing came of dialing an address: 'unreachable', or 'not-a-member' for what is not for us there. */
export function whyNot(address: string, cause: unknown): DreyError {
  const gone = 'the connection is gone: '
  if (isDreyError(cause, 'unreachable') && cause.message.startsWith(gone)) {
    const said = `${address} did not accept this node: ${cause.message.slice(gone.length)}`
    return new DreyError('not-a-member', said, { cause })
  }
  if (isDreyError(cause)) return cause
  return isRefusal(cause)
    ? new DreyError('not-a-member', `${address} is not for us: ${whyRefused(cause)}`, { cause })
    : new DreyError('unreachable', `${address} cannot be reached: ${messageOf(cause)}`, { cause })
}
