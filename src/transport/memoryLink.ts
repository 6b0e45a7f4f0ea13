import assert from 'node:assert/strict'
import { free } from '../base/bytes.ts'
import { DreyError, isDreyError } from '../base/error.ts'
import { Window } from '../base/flow.ts'
import { connectionDefaults } from './connection.ts'
import { decodeHeader, encodeHeader } from './frame.ts'
import { once } from './grant.ts'
import type { MemoryNetwork, MemoryTransporter } from './memory.ts'
import type { Header, Message, Peer, PeerId, RequestOptions, Role } from './transporter.ts'

const { requestWindowBytes, responseWindowBytes, requestsMax, payloadBytesMax, answerMs } =
  connectionDefaults

const answered = new Error('the request is over')

/** A connection of the memory network: two peers, each the other's face at one end. */
export class MemoryLink {
  readonly a: MemoryTransporter
  readonly b: MemoryTransporter
  readonly network: MemoryNetwork
  readonly ended = new AbortController()
  readonly #faces: readonly [MemoryPeer, MemoryPeer]

  constructor(network: MemoryNetwork, a: MemoryTransporter, b: MemoryTransporter) {
    this.network = network
    this.a = a
    this.b = b
    this.#faces = [new MemoryPeer(this, a, b), new MemoryPeer(this, b, a)]
    a.up(this.#faces[0])
    b.up(this.#faces[1])
  }

  /** The other side, as `owner` sees it. */
  peerOf(owner: MemoryTransporter): MemoryPeer {
    return owner === this.a ? this.#faces[0] : this.#faces[1]
  }

  end(reason: string): void {
    if (this.ended.signal.aborted) return
    this.ended.abort(new DreyError('unreachable', `the connection is gone: ${reason}`))
    this.a.down(this.#faces[0], reason)
    this.b.down(this.#faces[1], reason)
  }
}

/** `other`, as `owner` sees it. Keeps the same limits as a connection over sockets. */
export class MemoryPeer implements Peer {
  readonly link: MemoryLink
  readonly #owner: MemoryTransporter
  readonly #other: MemoryTransporter
  readonly #slots = new Window(requestsMax)
  readonly #requestCredit = new Window(requestWindowBytes)
  readonly #answerCredit = new Window(responseWindowBytes)

  constructor(link: MemoryLink, owner: MemoryTransporter, other: MemoryTransporter) {
    this.link = link
    this.#owner = owner
    this.#other = other
  }

  get id(): PeerId {
    return this.#other.id
  }

  get role(): Role {
    return this.#other.role
  }

  get address(): string {
    return this.#other.address
  }

  close(reason: string): void {
    this.link.end(reason)
  }

  async request(message: Message, options: RequestOptions = {}): Promise<Message> {
    const { signal, timeoutMs = answerMs, into } = options
    const release = once(message.release)
    const over = new AbortController()
    const leave = () => over.abort(signal!.reason)
    const lost = () => over.abort(this.link.ended.signal.reason)
    const late = () => over.abort(new DreyError('timeout', `no answer within ${timeoutMs} ms`))
    try {
      signal?.throwIfAborted()
      this.link.ended.signal.throwIfAborted()
      signal?.addEventListener('abort', leave, { once: true })
      this.link.ended.signal.addEventListener('abort', lost, { once: true })
      this.link.network.clock.sleep(timeoutMs, over.signal).then(late, () => {}) // Answered in time.
      return await this.#exchange(message, over.signal, release, into)
    } finally {
      signal?.removeEventListener('abort', leave)
      this.link.ended.signal.removeEventListener('abort', lost)
      over.abort(answered) // A reason of its own for each would take longer than the rest.
      release()
    }
  }

  /** There and back. Settles as soon as the signal says so, whatever the other side does. */
  async #exchange(
    { header, payload }: Message,
    signal: AbortSignal,
    release: () => void,
    into: RequestOptions['into'],
  ): Promise<Message> {
    const size = payload?.length
    if (size !== undefined && size > payloadBytesMax) {
      throw new DreyError(
        'bad-input',
        `a payload of ${size} bytes; the peer takes ${payloadBytesMax}`,
      )
    }
    const sent = throughCbor(header, size)
    await this.#slots.take(1, signal)
    try {
      await this.#requestCredit.take(size ?? 0, signal)
      const request = this.#arriving(sent, payload, this.#requestCredit)
      release()
      return await untilAborted(signal, this.#ask(request, signal, into))
    } finally {
      this.#slots.give(1)
    }
  }

  /** A message as the other side gets it: a copy, which counts against the window until released. */
  #arriving(header: Header, payload: Uint8Array | undefined, window: Window): Message {
    if (payload === undefined) return { header }
    const copy = this.link.network.copy(payload)
    const size = payload.length
    const release = once(() => {
      free(copy)
      window.give(size)
    })
    return { header, payload: copy, release }
  }

  async #ask(
    request: Message,
    signal: AbortSignal,
    into: RequestOptions['into'],
  ): Promise<Message> {
    const { network } = this.link
    const [here, there] = [this.#owner.id, this.#other.id]
    if (!(await network.carry(here, there))) return this.#nothing(request)
    let answer: Message | undefined
    try {
      answer = await this.#handled(request, signal)
      const { header, payload } = answer
      await this.#answerCredit.take(payload?.length ?? 0, signal)
      const arriving = this.#arriving(
        throughCbor(header, payload?.length),
        payload,
        this.#answerCredit,
      )
      const heard = (await network.carry(there, here)) && !signal.aborted
      return heard ? placed(arriving, into) : await this.#nothing(arriving)
    } catch (error) {
      request.release?.()
      signal.throwIfAborted()
      return (await network.carry(there, here)) ? raise(error) : await this.#nothing(request)
    } finally {
      answer?.release?.()
    }
  }

  async #handled(request: Message, signal: AbortSignal): Promise<Message> {
    const { handler } = this.#other
    if (handler === undefined) throw new DreyError('busy', 'this node does not answer yet')
    return handler(this.link.peerOf(this.#other), request, signal)
  }

  /** Lost on the way: nobody ever answers. */
  #nothing(message: Message): Promise<never> {
    message.release?.()
    return new Promise(() => {})
  }
}

/** What a header is after it went over a wire. */
function throughCbor(header: Header, size: number | undefined): Header {
  return decodeHeader(encodeHeader(header, size)).header
}

/** Puts an answer's payload where the asker wants it. */
function placed(answer: Message, into: RequestOptions['into']): Message {
  const { header, payload, release } = answer
  const chosen = payload === undefined ? undefined : into?.(header, payload.length)
  if (payload === undefined || chosen === undefined) return answer
  assert.equal(chosen.length, payload.length, 'into gave memory of another size')
  chosen.set(payload)
  release?.()
  return { header, payload: chosen }
}

function raise(error: unknown): never {
  if (isDreyError(error)) throw new DreyError(error.code, error.message)
  throw new DreyError('protocol', 'the request failed for a reason that only its log tells')
}

async function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const leave = () => reject(signal.reason as Error)
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', leave)
    work.catch(() => {}) // Whoever left does not hear how it went on.
  }
}
