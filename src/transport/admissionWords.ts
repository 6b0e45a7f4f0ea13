import * as dagCbor from '@ipld/dag-cbor'
import { DreyError, isDreyError, messageOf } from '../base/error.ts'
import { parseEndpoint } from './endpoint.ts'
import { errorOf } from './frame.ts'
import { isRole } from './identity.ts'
import type { ProvenKey } from './proof.ts'
import type { Role } from './transporter.ts'

/** The protocol's name in TLS (ALPN). */
export const joinProtocol = 'drey-join/1'

/*
 * What is said when a machine joins, the issuer first:
 *
 *     issuer    {v, authority}
 *     newcomer  {v, secret, name, key, proof, issuerKey, issuerProof}
 *     issuer    {v, role, inviter, peers, zone?, certificate or authority, readSecret?}
 *     issuer    {v, error, message}, instead of either
 */
const version = 1

/** Somebody who wants to become a member. */
export interface Newcomer {
  /** The token's. */
  readonly secret: Uint8Array
  /** What people call the machine. */
  readonly name: string
  /** Its key as a member. */
  readonly own: ProvenKey
  /** The key it would admit others with: whether it may is in the invitation, which the issuer has. */
  readonly issuing: ProvenKey
}

/** What it is given. */
export interface Admission {
  readonly role: Role
  /** The issuer's name. */
  readonly inviter: string
  /** Members that it can connect to: "host:port". */
  readonly peers: readonly string[]
  readonly zone?: string
  /** The member's certificate and its chain (PEM): for everyone but issuers. */
  readonly certificatePem?: string
  /** The certificate of its own authority and its chain (PEM): an issuer makes its member's itself. */
  readonly issuerPem?: string
  /** For whoever may read. */
  readonly readSecret?: Uint8Array
}

const limits = {
  nameMax: 64,
  peersMax: 16, // Enough to begin with: members tell of each other.
  endpointMax: 255,
  chainMax: 8_192, // Five certificates of about 900 characters.
  octetsMax: 128, // Keys, secrets and signatures have 64 at most.
  messageMax: 512,
} as const

export function encodeGreeting(authorityPem: string): Uint8Array {
  return dagCbor.encode({ v: version, authority: authorityPem })
}

/** The swarm's certificate (PEM), not checked. Throws 'protocol', or what was said instead. */
export function decodeGreeting(bytes: Uint8Array): string {
  return pem(decode(bytes).authority, 'authority')
}

export function encodeNewcomer({ secret, name, own, issuing }: Newcomer): Uint8Array {
  const [issuerKey, issuerProof] = [issuing.key, issuing.proof]
  return dagCbor.encode({
    v: version,
    secret,
    name: name.slice(0, limits.nameMax),
    ...own,
    issuerKey,
    issuerProof,
  })
}

/** Throws 'protocol'. */
export function decodeNewcomer(bytes: Uint8Array): Newcomer {
  const { secret, name, key, proof, issuerKey, issuerProof } = decode(bytes)
  return {
    secret: octets(secret, 'secret'),
    name: text(name, 'name', limits.nameMax),
    own: { key: octets(key, 'key'), proof: octets(proof, 'proof') },
    issuing: { key: octets(issuerKey, 'issuerKey'), proof: octets(issuerProof, 'issuerProof') },
  }
}

export function encodeAdmission(admission: Admission): Uint8Array {
  const { role, zone, readSecret } = admission
  const inviter = admission.inviter.slice(0, limits.nameMax)
  const peers = admission.peers.slice(0, limits.peersMax)
  const { certificatePem: certificate, issuerPem: authority } = admission
  const maybe = Object.entries({ zone, certificate, authority, readSecret })
  const given = Object.fromEntries(maybe.filter(([, value]) => value !== undefined))
  return dagCbor.encode({ v: version, role, inviter, peers, ...given })
}

/** Throws 'protocol', or what was said instead. */
export function decodeAdmission(bytes: Uint8Array): Admission {
  const { role, inviter, peers, zone, certificate, authority, readSecret } = decode(bytes)
  if (!isRole(role)) throw broken('its "role" is none that is known')
  if (!Array.isArray(peers) || peers.length > limits.peersMax)
    throw broken('its "peers" are no list')
  const maybe = <T>(value: unknown, read: (value: unknown) => T) =>
    value === undefined ? undefined : read(value)
  return {
    role,
    inviter: text(inviter, 'inviter', limits.nameMax),
    peers: peers.map((peer) => endpoint(peer)),
    zone: maybe(zone, (value) => text(value, 'zone', limits.nameMax)),
    certificatePem: maybe(certificate, (value) => pem(value, 'certificate')),
    issuerPem: maybe(authority, (value) => pem(value, 'authority')),
    readSecret: maybe(readSecret, (value) => octets(value, 'readSecret')),
  }
}

/** A failure, as the other side is told: what is a mistake of our own keeps its words to itself. */
export function encodeRefusal(error: unknown): Uint8Array {
  const [code, message] = isDreyError(error)
    ? [error.code, error.message]
    : ['internal', 'something went wrong there: its log says what']
  return dagCbor.encode({ v: version, error: code, message: message.slice(0, limits.messageMax) })
}

function decode(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown
  try {
    value = dagCbor.decode(bytes)
  } catch (cause) {
    throw broken(messageOf(cause), cause)
  }
  if (typeof value !== 'object' || value === null) throw broken('it is no map')
  const fields = value as Record<string, unknown>
  if (fields.v !== version) throw broken(`its version is not ${version}: is there a newer Drey?`)
  if (fields.error === undefined) return fields
  throw errorOf(
    text(fields.error, 'error', limits.nameMax),
    text(fields.message, 'message', limits.messageMax),
  )
}

function endpoint(value: unknown): string {
  const address = text(value, 'peers', limits.endpointMax)
  try {
    parseEndpoint(address)
  } catch (cause) {
    throw broken(messageOf(cause), cause)
  }
  return address
}

function text(value: unknown, field: string, lengthMax: number): string {
  // Control characters would speak to a terminal.
  if (typeof value === 'string' && value.length <= lengthMax && !/\p{Cc}/u.test(value)) return value
  throw broken(`its "${field}" is not a short text`)
}

function pem(value: unknown, field: string): string {
  if (typeof value === 'string' && value.length <= limits.chainMax) return value
  throw broken(`its "${field}" is no certificate`)
}

function octets(value: unknown, field: string): Uint8Array {
  if (value instanceof Uint8Array && value.length <= limits.octetsMax) return value
  throw broken(`its "${field}" is not a few bytes`)
}

function broken(why: string, cause?: unknown): DreyError {
  return new DreyError('protocol', `this is not what is said when joining: ${why}`, { cause })
}
