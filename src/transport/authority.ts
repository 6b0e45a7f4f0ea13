import { createPrivateKey, createPublicKey, randomBytes, webcrypto } from 'node:crypto'
import { systemClock, type Clock } from '../base/clock.ts'
import { DreyError, messageOf } from '../base/error.ts'
import { toHex } from '../base/bytes.ts'
import { createKey, peerIdOf } from './identity.ts'
import type { Role } from './transporter.ts'

/** What makes members of a swarm: whoever has the key can admit. */
export interface Authority {
  readonly keyPem: string
  readonly certificatePem: string
}

const defaults = {
  authorityDays: 36_500, // A swarm should outlive whoever began it.
  memberDays: 365,
  skewMs: 24 * 3_600_000, // Certificates begin a day early: a member's clock may be late by that much.
  issuersBelow: 4, // How many issuers may stand between the authority and a member.
} as const

const dayMs = 24 * 3_600_000

/** Begins a swarm: a new key, and a certificate for it that is signed by itself. */
export async function createAuthority(
  swarmName: string,
  { clock = systemClock }: { clock?: Clock } = {},
): Promise<Authority> {
  const x509 = await loadX509()
  const { keyPem, publicKeyPem } = createKey()
  const publicKey = await webPublicKey(publicKeyPem)
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ CN: [swarmName] }, { O: ['Drey'] }],
    ...validity(clock, defaults.authorityDays),
    signingAlgorithm: ed25519,
    keys: { privateKey: await webPrivateKey(keyPem), publicKey },
    extensions: [
      new x509.BasicConstraintsExtension(true, defaults.issuersBelow, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  })
  return { keyPem, certificatePem: `${certificate.toString('pem')}\n` }
}

/**
 * Makes a member: a certificate (PEM) for this public key (PEM). Its common name is the id that the
 * key has, its organizational unit the role.
 */
export async function issue(
  authority: Authority,
  publicKeyPem: string,
  options: { role: Role; days?: number; clock?: Clock },
): Promise<string> {
  const { role, days = defaults.memberDays, clock = systemClock } = options
  const x509 = await loadX509()
  const id = peerIdOf(readPublicKey(publicKeyPem))
  const publicKey = await webPublicKey(publicKeyPem)
  const issuer = new x509.X509Certificate(authority.certificatePem)
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: [{ CN: [id] }, { OU: [role] }],
    issuer: issuer.subject,
    ...validity(clock, days),
    signingAlgorithm: ed25519,
    signingKey: await webPrivateKey(authority.keyPem),
    publicKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.clientAuth,
        x509.ExtendedKeyUsage.serverAuth,
      ]),
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: id }]),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  })
  return `${certificate.toString('pem')}\n`
}

const ed25519 = { name: 'Ed25519' } as const

/** Loaded only where certificates are made: it is heavy, and a running node has no need of it. */
async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto)
  return x509
}

function validity(clock: Clock, days: number): { notBefore: Date; notAfter: Date } {
  const now = clock.now()
  const notAfter = new Date(now + days * dayMs)
  return { notBefore: new Date(Math.min(now, notAfter.getTime()) - defaults.skewMs), notAfter }
}

/** 16 random bytes, positive and without a leading zero, as X.509 asks. */
function newSerial(): string {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0]! & 0x3f) | 0x40
  return toHex(bytes)
}

function readPublicKey(pem: string) {
  try {
    return createPublicKey(pem)
  } catch (cause) {
    throw new DreyError('bad-input', `not a public key: ${messageOf(cause)}`, { cause })
  }
}

function webPublicKey(pem: string) {
  const spki = readPublicKey(pem).export({ type: 'spki', format: 'der' })
  return webcrypto.subtle.importKey('spki', new Uint8Array(spki), ed25519, true, ['verify'])
}

function webPrivateKey(pem: string) {
  const pkcs8 = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' })
  return webcrypto.subtle.importKey('pkcs8', new Uint8Array(pkcs8), ed25519, false, ['sign'])
}
