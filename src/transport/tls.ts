import { constants } from 'node:crypto'
import { createServer, type AddressInfo, type Server } from 'node:net'
import * as tls from 'node:tls'
import { systemClock, type Clock } from '../base/clock.ts'
import { DreyError, isDreyError, messageOf } from '../base/error.ts'
import { silentLog, type Log } from '../base/log.ts'
import { systemRandom, type Random } from '../base/random.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import { formatEndpoint, parseEndpoint, reachableHost } from './endpoint.ts'
import { encodeBye, encodeFrame } from './frame.ts'
import { memberOf, whyNotValid, type Identity, type Member } from './identity.ts'
import { keepConnected } from './keep.ts'
import { Members } from './members.ts'
import { isRefusal, whyRefused, whyUnauthorized } from './refusal.ts'
import { fromOf, Strangers } from './strangers.ts'
import type { Handler, Message, Peer, PeerEvent, PeerId, Transporter } from './transporter.ts'

export interface TlsOptions extends ConnectionOptions {
  readonly identity: Identity
  /** Where to listen; without a port this node only dials. Port 0 takes any that is free. */
  readonly host?: string
  readonly port?: number
  /** What others are told to dial, when it is not where this node listens. */
  readonly publicAddress?: string
  /** Why a member is not wanted although its certificate holds (it was revoked, say). */
  readonly refuse?: (member: Member) => string | undefined
  readonly random?: Random
  readonly handshakeMs?: number
  /** Strangers that may be in the middle of a handshake; more are turned away at once. */
  readonly handshakesMax?: number
}

const defaults = {
  host: '0.0.0.0',
  handshakeMs: 10_000, // Slow machines on slow lines take a second.
  handshakesMax: 64, // About 100 KB each.
  lastWordMs: 500, // For a refused dialer to read why.
} as const

/** Opens a node's door to the swarm. Ready when it listens. Throws 'bad-input' when it cannot. */
export async function listenTls(options: TlsOptions): Promise<Transporter> {
  const transporter = new TlsTransporter(options)
  if (options.port !== undefined) await transporter.listen(options.host, options.port)
  return transporter
}

/**
 * Members over mutual TLS 1.3. Surprises of `node:tls`, as of Node 24.21:
 * - A server that rejects by itself ends the socket before anyone can say to whom and why: the address is
 *   gone by the time of 'tlsClientError'. So it is asked not to, and we look at `authorized`, at the
 *   moment when it would, before a byte is read.
 * - In TLS 1.3 the client is done before the server has seen its certificate: a dialer knows that it was
 *   accepted when the other side's hello has come, not before.
 * - A client that ends without a word leaves the server's socket half open, and the handshake's own time
 *   limit does not fire: ours is on the TCP socket beneath.
 * - Tickets would let a member return without showing its certificate: there are none.
 */
class TlsTransporter implements Transporter {
  readonly id: PeerId
  address = ''
  readonly #options: TlsOptions
  readonly #clock: Clock
  readonly #log: Log
  readonly #members: Members
  readonly #credentials: tls.SecureContextOptions
  /** Made once: it holds a parsed key and certificates. */
  readonly #dialing: tls.SecureContext
  readonly #over = new AbortController()
  readonly #strangers: Strangers
  readonly #underway = new Set<Promise<unknown>>()
  #server: Server | undefined
  #handler: Handler | undefined

  constructor(options: TlsOptions) {
    const { identity } = options
    this.id = identity.id
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#log = options.log ?? silentLog
    this.#members = new Members(identity.id, this.#log)
    this.#strangers = new Strangers({
      ...{ clock: this.#clock, log: this.#log },
      handshakeMs: options.handshakeMs ?? defaults.handshakeMs,
      handshakesMax: options.handshakesMax ?? defaults.handshakesMax,
    })
    this.#credentials = {
      key: identity.keyPem,
      cert: identity.certificatePem,
      ca: identity.authorityPem,
      minVersion: 'TLSv1.3',
      maxVersion: 'TLSv1.3',
      ciphers: 'TLS_AES_128_GCM_SHA256',
      secureOptions: constants.SSL_OP_NO_TICKET,
    }
    this.#dialing = tls.createSecureContext(this.#credentials)
  }

  async listen(host: string = defaults.host, port: number): Promise<void> {
    const handshakes = tls.createServer({
      ...this.#credentials,
      requestCert: true,
      rejectUnauthorized: false, // See above: unauthorized ones are refused in #admit.
    })
    handshakes.on('secureConnection', (socket) => void this.#admit(socket))
    handshakes.on('tlsClientError', (error, socket) => {
      this.#strangers.refuse(fromOf(socket), whyRefused(error))
    })
    const server = createServer({ noDelay: true }, (raw) => {
      if (this.#strangers.meet(raw)) handshakes.emit('connection', raw)
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
    const bound = (server.address() as AddressInfo).port
    this.#server = server
    this.address = this.#options.publicAddress ?? formatEndpoint(reachableHost(host), bound)
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
    const either = signal === undefined ? [] : [signal]
    const limit = AbortSignal.any([...either, this.#over.signal])
    limit.throwIfAborted()
    const why = whyNotValid(this.#options.identity.certificatePem, this.#clock.now())
    if (why !== undefined) {
      throw new DreyError('not-a-member', `this node's certificate is not valid: ${why}`)
    }
    const dialing = this.#dial(address, limit)
    this.#underway.add(dialing)
    try {
      return await dialing
    } finally {
      this.#underway.delete(dialing)
    }
  }

  keepConnected(address: string): void {
    const { random = systemRandom } = this.#options
    const parts = { transporter: this, clock: this.#clock, random, log: this.#log }
    const keeping = keepConnected(parts, address, this.#over.signal)
    this.#underway.add(keeping)
    void keeping.finally(() => this.#underway.delete(keeping))
  }

  async close(): Promise<void> {
    const gone = new DreyError('unreachable', 'this node has closed its connections')
    if (!this.#over.signal.aborted) this.#over.abort(gone)
    this.#members.close('the node is stopping')
    this.#strangers.close()
    await Promise.allSettled(this.#underway)
    const server = this.#server
    if (server?.listening !== true) return
    await new Promise((resolve) => server.close(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #dial(address: string, signal: AbortSignal): Promise<Peer> {
    const { host, port } = parseEndpoint(address)
    const socket = tls.connect({
      ...{ host, port, secureContext: this.#dialing },
      rejectUnauthorized: true,
      checkServerIdentity: () => undefined, // Members are known by their keys, not by host names.
    })
    socket.setNoDelay(true)
    const patience = this.#options.handshakeMs ?? defaults.handshakeMs
    const done = new AbortController()
    const stop = (error: Error) => void socket.destroy(error)
    const leave = () => stop(signal.reason as Error)
    signal.addEventListener('abort', leave, { once: true })
    const late = new DreyError('unreachable', `${address} did not answer within ${patience} ms`)
    this.#clock.sleep(patience, done.signal).then(
      () => stop(late),
      () => {},
    ) // In time.
    try {
      await secured(socket)
      const member = this.#memberOf(socket)
      if (member.id === this.id) throw new DreyError('bad-input', `${address} is this node itself`)
      return await this.#open(socket, member, address)
    } catch (error) {
      socket.destroy()
      signal.throwIfAborted()
      throw this.#whyNot(address, error)
    } finally {
      signal.removeEventListener('abort', leave)
      done.abort()
    }
  }

  #whyNot(address: string, cause: unknown): DreyError {
    if (isDreyError(cause, 'unreachable') && cause.message.startsWith('the connection is gone: ')) {
      const reason = cause.message.slice('the connection is gone: '.length)
      return new DreyError('not-a-member', `${address} did not accept this node: ${reason}`, {
        cause,
      })
    }
    if (isDreyError(cause)) return cause
    return isRefusal(cause)
      ? new DreyError('not-a-member', `${address} is not for us: ${whyRefused(cause)}`, { cause })
      : new DreyError('unreachable', `${address} cannot be reached: ${messageOf(cause)}`, { cause })
  }

  /** The handshake is done: either this is a member, or it is told why not and let go. */
  async #admit(socket: tls.TLSSocket): Promise<void> {
    const from = fromOf(socket)
    socket.on('error', () => {}) // The connection hears it too, and 'close' follows.
    try {
      const member = this.#memberOf(socket)
      if (member.id === this.id) throw new DreyError('bad-input', 'it is this node itself')
      await this.#open(socket, member, from)
      this.#strangers.acquaint(from)
    } catch (error) {
      this.#strangers.refuse(from, messageOf(error))
      if (socket.destroyed) return
      socket.end(encodeFrame('bye', 0, encodeBye(messageOf(error))))
      socket.resume() // Whatever it said goes unread.
      await this.#clock.sleep(defaults.lastWordMs)
      socket.destroy()
    }
  }

  /** Who is at the other end. Throws 'not-a-member'. */
  #memberOf(socket: tls.TLSSocket): Member {
    const certificate = socket.getPeerX509Certificate()
    if (!socket.authorized || certificate === undefined) {
      const code = socket.authorizationError as unknown as string | undefined
      throw new DreyError('not-a-member', whyUnauthorized(code, certificate !== undefined))
    }
    const member = memberOf(certificate)
    const why = this.#options.refuse?.(member)
    if (why !== undefined) throw new DreyError('not-a-member', why)
    return member
  }

  /** Greets, and takes the peer in when it has greeted too. */
  async #open(socket: tls.TLSSocket, member: Member, address: string): Promise<Peer> {
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

/** Resolves when this side's handshake is done. */
function secured(socket: tls.TLSSocket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.once('secureConnect', resolve)
  socket.on('error', reject)
  socket.once('close', () => reject(new Error('it ended the connection during the handshake')))
  return promise
}
