import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { KeyObject, X509Certificate } from 'node:crypto'
import { base32 } from 'multiformats/bases/base32'
import { blake3 } from '../address/blake3.ts'
import { DreyError } from '../base/error.ts'
import { readCertificate } from './certificate.ts'
import type { PeerId, Role } from './transporter.ts'

/** Who a certificate names: what the TLS handshake proves about the other side. */
export interface Member {
  readonly id: PeerId
  readonly role: Role
}

/** An authority between a member and the swarm's own. */
export interface Issuer {
  /** Whose it is, by the word of whoever is above it. */
  readonly member: PeerId
  /** The id of its key, which is another one than the member's own. */
  readonly key: PeerId
}

/** All it takes to be a member: the key never leaves the machine, the rest may be shown to anyone. */
export interface Identity extends Member {
  readonly keyPem: string
  /** The member's certificate, and after it the issuers' between it and the authority, if any. */
  readonly certificatePem: string
  readonly authorityPem: string
}

export const roles: readonly Role[] = ['storage', 'reader', 'issuer']

export function isRole(text: unknown): text is Role {
  return (roles as readonly unknown[]).includes(text)
}

/** More than an authority allows between itself and a member. */
export const issuersMax = 8

const idBytes = 20 // As long as an id of the Mainline DHT, and out of reach of a second preimage.

/** A new Ed25519 key, which the certificate of a member or of an authority is made for. */
export function createKey(): { keyPem: string; publicKeyPem: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return {
    keyPem: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    publicKeyPem: String(publicKey.export({ type: 'spki', format: 'pem' })),
  }
}

/**
 * The id of whoever has this key: the first 20 bytes of the BLAKE3 hash of the public key (its
 * SubjectPublicKeyInfo in DER), in base32, lower case: 32 characters.
 */
export function peerIdOf(publicKey: KeyObject): PeerId {
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  return base32.baseEncode(blake3.hash(spki).subarray(0, idBytes))
}

/**
 * Reads whom a certificate names. The id is computed from the key, so that nobody can be given
 * another's, and has to agree with the certificate's common name. Throws 'not-a-member'.
 */
export function memberOf(certificate: X509Certificate): Member {
  const id = peerIdOf(certificate.publicKey)
  const subject = new Map(certificate.subject.split('\n').map((line) => splitOnce(line)))
  const role = subject.get('OU')
  if (subject.get('CN') !== id) throw refused('it names another key than its own')
  if (!isRole(role)) throw refused('it names no role that is known')
  return { id, role }
}

/**
 * The authorities of a chain, the nearest first: an issuer's authority certificate has its member's id for
 * a common name. The swarm's own authority is nobody's, and left out.
 */
export function issuersOf(chain: readonly X509Certificate[]): Issuer[] {
  return chain.flatMap(({ subject, publicKey }) => {
    const member = /^CN=([a-z2-7]{32})$/m.exec(subject)?.[1]
    return member === undefined ? [] : [{ member, key: peerIdOf(publicKey) }]
  })
}

/** Puts an identity together and checks that its parts fit. Throws 'not-a-member', 'bad-input'. */
export function makeIdentity(parts: {
  keyPem: string
  certificatePem: string
  authorityPem: string
}): Identity {
  const certificate = readCertificate(parts.certificatePem)
  readCertificate(parts.authorityPem)
  const mine = createPublicKey(createPrivateKey(parts.keyPem))
  if (peerIdOf(mine) !== peerIdOf(certificate.publicKey)) throw refused('it is for another key')
  return { ...memberOf(certificate), ...parts }
}

/** Why this certificate is of no use at this time, or `undefined`. */
export function whyNotValid(certificatePem: string, now: number): string | undefined {
  const { validFromDate, validToDate } = readCertificate(certificatePem)
  const day = (date: Date) => date.toISOString().slice(0, 16).replace('T', ' ')
  const here = `this machine's clock says ${day(new Date(now))}`
  if (now > validToDate.getTime()) return `it expired on ${day(validToDate)}; ${here}`
  if (now < validFromDate.getTime()) return `it begins on ${day(validFromDate)}; ${here}`
  return undefined
}

function refused(why: string): DreyError {
  return new DreyError('not-a-member', `the certificate is not a member's: ${why}`)
}

function splitOnce(line: string): [string, string] {
  const at = line.indexOf('=')
  return [line.slice(0, at), line.slice(at + 1)]
}
