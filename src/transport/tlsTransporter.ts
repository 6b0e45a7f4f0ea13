import { createServer, type AddressInfo, type Server } from 'node:net'
import type { Duplex } from 'node:stream'
import { systemClock, type Clock } from '../base/clock.ts'
import { DreyError, messageOf } from '../base/error.ts'
import { silentLog, type Log } from '../base/log.ts'
import { systemRandom, type Random } from '../base/random.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import type { OpenDoor, StreamDoor, Vouched } from './door.ts'
import { formatEndpoint, reachableEndpoints } from './endpoint.ts'
import { encodeBye, encodeFrame } from './frame.ts'
import type { Identity, Member } from './identity.ts'
import { keepConnected } from './keep.ts'
import { Members } from './members.ts'
import { whyRefused } from './refusal.ts'
import { fromOf, Strangers } from './strangers.ts'
import { Dialing } from './dialing.ts'
import { Handshakes, membersProtocol, vouchedOf, type TlsSocket } from './tls.ts'
import type { Handler, Message, Peer, PeerEvent, PeerId, Transporter } from './transporter.ts'

export interface TlsOptions extends ConnectionOptions {
  readonly identity: Identity
  /** Where to listen; without a port this node only dials. Port 0 takes any that is free. */
  readonly host?: string
  readonly port?: number
  /** What others are told to dial, when it is not where this node listens. */
  readonly publicAddress?: string
  /** Why a member is not wanted although its certificate holds (it was evicted, say). */
  readonly refuse?: (member: Vouched) => string | undefined
  readonly random?: Random
  readonly handshakeMs?: number
  /** Strangers that may be in the middle of a handshake; more are turned away at once. */
  readonly handshakesMax?: number
}

const defaults = {
  host: '0.0.0.0',
  handshakeMs: 10_000, // Slow machines on slow lines take a second.
  handshakesMax: 64, // About 100 KB each.
  visitorsMax: 16, // Of a door that demands nobody in particular: joining takes a moment.
  lastWordMs: 500, // For a refused dialer to read why.
} as const

/** Opens a node's door to the swarm. Ready when it listens. Throws 'bad-input' when it cannot. */
export async function listenTls(options: TlsOptions): Promise<TlsTransporter> {
  const transporter = new TlsTransporter(options)
  if (options.port !== undefined) await transporter.listen(options.host, options.port)
  return transporter
}

/** Members over mutual TLS 1.3, and other protocols at the same port, one door for each. */
export class TlsTransporter implements Transporter {
  readonly id: PeerId
  address = ''
  /** The port it listens at. */
  port: number | undefined
  readonly #options: TlsOptions
  readonly #clock: Clock
  readonly #log: Log
  readonly #members: Members
  readonly #doors = new Map<string, OpenDoor>()
  readonly #handshakes: Handshakes
  readonly #dialing: Dialing
  readonly #over = new AbortController()
  readonly #strangers: Strangers
  readonly #keeping = new Set<Promise<void>>()
  #visitors = 0
  #server: Server | undefined
  #handler: Handler | undefined

  constructor(options: TlsOptions) {
    const { identity } = options
    this.id = identity.id
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#log = options.log ?? silentLog
    this.#members = new Members(identity.id, this.#log)
    const { handshakeMs = defaults.handshakeMs, handshakesMax = defaults.handshakesMax } = options
    const common = { clock: this.#clock, handshakeMs }
    this.#strangers = new Strangers({ ...common, log: this.#log, handshakesMax })
    const whose = (socket: TlsSocket) => this.#vouchedOf(socket)
    this.#dialing = new Dialing({ ...common, identity, over: this.#over.signal, vouchedOf: whose })
    this.#handshakes = new Handshakes(identity, {
      speaks: (protocol) => protocol === membersProtocol || this.#doors.has(protocol),
      done: (socket) => void this.#welcome(socket),
      failed: (error, socket) => this.#strangers.refuse(fromOf(socket), whyRefused(error)),
    })
  }

  async listen(host: string = defaults.host, port: number): Promise<void> {
    const server = createServer({ noDelay: true }, (raw) => {
      if (this.#strangers.meet(raw)) this.#handshakes.begin(raw)
    })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once('error', reject)
    server.listen({ host, port }, resolve)
    try {
      await promise
    } catch (cause) {
      const where = formatEndpoint(host, port)
      throw new DreyError('bad-input', `cannot listen on ${where}: ${messageOf(cause)}`, { cause })
    }
    this.port = (server.address() as AddressInfo).port
    this.#server = server
    this.address = this.#options.publicAddress ?? reachableEndpoints(host, this.port)[0]!
  }

  peers(): Peer[] {
    return this.#members.peers()
  }

  serve(handler: Handler): void {
    this.#handler = handler
  }

  watch(listener: (event: PeerEvent) => void): () => void {
    return this.#members.watch(listener)
  }

  async connect(address: string, { signal }: { signal?: AbortSignal } = {}): Promise<Peer> {
    const known = this.peers().find((peer) => peer.address === address)
    if (known !== undefined) return known
    return this.#dialing.dial(address, membersProtocol, signal, (socket, member) =>
      this.#open(socket, member, address),
    )
  }

  keepConnected(address: string): void {
    const { random = systemRandom } = this.#options
    const parts = { transporter: this, clock: this.#clock, random, log: this.#log }
    const keeping = keepConnected(parts, address, this.#over.signal)
    this.#keeping.add(keeping)
    void keeping.finally(() => this.#keeping.delete(keeping))
  }

  /** From now on whoever comes and speaks `protocol` (its ALPN name) is handed to this door. */
  openDoor(protocol: string, demands: OpenDoor['demands'], door: StreamDoor): void {
    this.#doors.set(protocol, { demands, door })
  }

  /** Dials such a door of a member. The stream is the caller's to end. Throws as `connect` does. */
  async dialDoor(
    address: string,
    protocol: string,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<{ stream: Duplex; member: Member }> {
    return this.#dialing.dial(address, protocol, signal, async (stream, member) => ({
      stream,
      member,
    }))
  }

  /**
   * Speaks the members' protocol over a stream that somebody else carries, in a TLS session of its own.
   * `address` says in logs which way it goes. Throws 'not-a-member' when it is not `id` who is there.
   */
  async connectOver(
    stream: Duplex,
    options: { side: 'client' | 'server'; id: PeerId; address: string; signal?: AbortSignal },
  ): Promise<Peer> {
    const { id, address } = options
    return this.#dialing.over(stream, options, async (socket, member) => {
      if (member.id === id) return this.#open(socket, member, address)
      throw new DreyError('not-a-member', `${address} leads to ${member.id} instead of ${id}`)
    })
  }

  /** Shows this certificate from now on; connections that stand go on. */
  renew(identity: Identity): void {
    if (identity.id !== this.id) throw new DreyError('bad-input', 'it is for another key')
    this.#handshakes.renew(identity)
    this.#dialing.renew(identity)
  }

  async close(): Promise<void> {
    const gone = new DreyError('unreachable', 'this node has closed its connections')
    if (!this.#over.signal.aborted) this.#over.abort(gone)
    this.#members.close('the node is stopping')
    this.#strangers.close()
    await Promise.allSettled([...this.#keeping, this.#dialing.settled()])
    const server = this.#server
    if (server?.listening !== true) return
    await new Promise((resolve) => server.close(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** The handshake is done: either this one may come in, or it is told why not and let go. */
  async #welcome(socket: TlsSocket): Promise<void> {
    const from = fromOf(socket)
    socket.on('error', () => {}) // The connection hears it too, and 'close' follows.
    try {
      const open = this.#doors.get(socket.alpnProtocol || membersProtocol)
      if (open?.demands === 'nobody') return await this.#receive(socket, from, open.door)
      const member = this.#vouchedOf(socket)
      if (open === undefined) await this.#open(socket, member, from)
      this.#strangers.acquaint(from)
      await open?.door(socket, { address: from, member })
    } catch (error) {
      this.#strangers.refuse(from, messageOf(error))
      if (socket.destroyed) return
      socket.end(encodeFrame('bye', 0, encodeBye(messageOf(error))))
      socket.resume() // Whatever it said goes unread.
      await this.#clock.sleep(defaults.lastWordMs)
      socket.destroy()
    }
  }

  /** Somebody who need not be a member: so many at a time. */
  async #receive(socket: TlsSocket, address: string, door: StreamDoor): Promise<void> {
    if (this.#visitors >= defaults.visitorsMax) {
      throw new DreyError('busy', 'too many visitors at once')
    }
    this.#strangers.acquaint(address)
    this.#visitors += 1
    try {
      await door(socket, { address })
    } finally {
      this.#visitors -= 1
    }
  }

  /** Who is at the other end. Throws 'not-a-member'. */
  #vouchedOf(socket: TlsSocket): Member {
    const member = vouchedOf(socket)
    if (member.id === this.id) throw new DreyError('bad-input', 'this is the node itself')
    const why = this.#options.refuse?.(member)
    if (why !== undefined) throw new DreyError('not-a-member', why)
    return member
  }

  /** Greets, and takes the peer in when it has greeted too. */
  async #open(socket: TlsSocket, member: Member, address: string): Promise<Peer> {
    const adopted = Promise.withResolvers<Peer>()
    adopted.promise.catch(() => {}) // Told to whoever awaits #open.
    const answer = async (request: Message, signal: AbortSignal) => {
      const peer = await adopted.promise
      if (this.#handler === undefined) throw new DreyError('busy', 'this node does not answer yet')
      return this.#handler(peer, request, signal)
    }
    const connection = new Connection(socket, `${member.id} at ${address}`, answer, this.#options)
    try {
      await connection.greeted
      this.#over.signal.throwIfAborted()
      const peer = this.#members.adopt(connection, member, address)
      adopted.resolve(peer)
      return peer
    } catch (error) {
      connection.close('the node is stopping')
      adopted.reject(error)
      throw error
    }
  }
}
