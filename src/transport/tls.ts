import { constants, type X509Certificate } from 'node:crypto'
import type { Duplex } from 'node:stream'
import * as tls from 'node:tls'
import { DreyError } from '../base/error.ts'
import type { Vouched } from './door.ts'
import { parseEndpoint } from './endpoint.ts'
import { issuersMax, issuersOf, memberOf, type Identity } from './identity.ts'
import { whyUnauthorized } from './refusal.ts'

/**
 * Mutual TLS 1.3, as Drey uses it. Surprises of `node:tls`, as of Node 24.21:
 * - A server that rejects by itself ends the socket before anyone can say to whom and why: the address is
 *   gone by the time of 'tlsClientError'. So it is asked not to, and we look at `authorized`, at the
 *   moment when it would, before a byte is read.
 * - In TLS 1.3 the client is done before the server has seen its certificate: a dialer knows that it was
 *   accepted when the other side's first words have come, not before.
 * - A client that ends without a word leaves the server's socket half open, and the handshake's own time
 *   limit does not fire: ours is on the TCP socket beneath.
 * - Tickets would let a member return without showing its certificate: there are none.
 * - A chain ends in the authority only when that was checked: what a peer shows beyond is not believed.
 * - A dialer is given the other side's certificate once; asked again, `getPeerX509Certificate` has none.
 */
export const membersProtocol = 'drey/1'

export type TlsSocket = tls.TLSSocket

const common = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256',
  secureOptions: constants.SSL_OP_NO_TICKET,
} as const satisfies tls.SecureContextOptions

function credentialsOf(identity: Identity): tls.SecureContextOptions {
  const { keyPem, certificatePem, authorityPem } = identity
  return { ...common, key: keyPem, cert: certificatePem, ca: authorityPem }
}

/** The server's side of handshakes, over whatever stream they are brought. */
export class Handshakes {
  readonly #server: tls.Server

  /** `speaks` says which protocols (ALPN) are spoken here now. */
  constructor(
    identity: Identity,
    on: {
      readonly speaks: (protocol: string) => boolean
      readonly done: (socket: TlsSocket) => void
      readonly failed: (error: Error, socket: TlsSocket) => void
    },
  ) {
    this.#server = tls.createServer({
      ...credentialsOf(identity),
      ALPNCallback: ({ protocols }) => protocols.find(on.speaks),
      requestCert: true,
      rejectUnauthorized: false, // See above: whoever is unauthorized is refused by `done`.
    })
    this.#server.on('secureConnection', on.done)
    this.#server.on('tlsClientError', on.failed)
  }

  begin(stream: Duplex): void {
    this.#server.emit('connection', stream)
  }

  /** Handshakes from now on show this certificate. */
  renew(identity: Identity): void {
    this.#server.setSecureContext(credentialsOf(identity))
  }
}

/** The dialer's side, with what is made once: a context holds a parsed key and certificates. */
export class Dialer {
  #context: tls.SecureContext

  constructor(identity: Identity) {
    this.#context = tls.createSecureContext(credentialsOf(identity))
  }

  renew(identity: Identity): void {
    this.#context = tls.createSecureContext(credentialsOf(identity))
  }

  /** Begins a handshake with "host:port", or with whoever is at the other end of a stream. */
  begin(to: string | Duplex, protocol: string): TlsSocket {
    const socket = tls.connect({
      ...(typeof to === 'string' ? parseEndpoint(to) : { socket: to }),
      secureContext: this.#context,
      ALPNProtocols: [protocol],
      rejectUnauthorized: true,
      checkServerIdentity: () => undefined, // Members are known by their keys, not by host names.
    })
    if (typeof to === 'string') socket.setNoDelay(true)
    return socket
  }
}

/**
 * Dials a member as somebody who is none yet. With `authorityPem` the other side is a member of that
 * authority's swarm, or this fails; without, it may be anyone. Throws what `secured` throws, or 'not-a-member'.
 */
export async function dialStranger(
  address: string,
  protocol: string,
  { authorityPem, signal }: { authorityPem?: string; signal: AbortSignal },
): Promise<{ stream: Duplex; member: Vouched | undefined }> {
  signal.throwIfAborted()
  const socket = tls.connect({
    ...common,
    ...parseEndpoint(address),
    ca: authorityPem ?? [],
    ALPNProtocols: [protocol],
    rejectUnauthorized: authorityPem !== undefined,
    checkServerIdentity: () => undefined,
  })
  socket.setNoDelay(true)
  await secured(socket, signal)
  return { stream: socket, member: authorityPem === undefined ? undefined : vouchedOf(socket) }
}

/** Resolves when a dialer's side of a handshake is done; the socket is gone when it fails. */
export async function secured(socket: TlsSocket, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const leave = () => void socket.destroy(signal.reason as Error)
  socket.once('secureConnect', resolve)
  socket.on('error', reject)
  socket.once('close', () => reject(new Error('it ended the connection during the handshake')))
  signal.addEventListener('abort', leave, { once: true })
  try {
    await promise
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

/** Who is at the other end of a handshake that is done. Throws 'not-a-member'. */
export function vouchedOf(socket: TlsSocket): Vouched {
  const certificate = socket.getPeerX509Certificate()
  if (!socket.authorized || certificate === undefined) {
    const code = socket.authorizationError as unknown as string | undefined
    throw new DreyError('not-a-member', whyUnauthorized(code, certificate !== undefined))
  }
  return { ...memberOf(certificate), issuers: issuersOf(chainOf(certificate)) }
}

/** What a checked certificate's issuers are, as far as the peer showed them. */
function chainOf(certificate: X509Certificate): X509Certificate[] {
  const chain: X509Certificate[] = []
  let issuer = certificate.issuerCertificate
  while (issuer !== undefined && chain.length < issuersMax) {
    chain.push(issuer)
    issuer = issuer.issuerCertificate
  }
  return chain
}
