import {
  createPrivateKey,
  createPublicKey,
  randomBytes,
  webcrypto,
  X509Certificate,
} from 'node:crypto'
import { toHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { DreyError, messageOf } from '../base/error.ts'

/** A key and the certificate that says what it may sign. */
export interface Signer {
  readonly keyPem: string
  readonly certificatePem: string
}

/** What a certificate says of the key that it is for. */
export interface Statement {
  /** Its distinguished name: attributes in order, each with its value. */
  readonly subject: readonly (readonly [attribute: string, value: string])[]
  readonly publicKeyPem: string
  /** Milliseconds since 1970; it holds no longer than its signer's does. */
  readonly notAfter: number
  /** An authority's: how many issuers may stand between it and a member. */
  readonly issuersBelow?: number
  /** A member's: the host name that TLS knows it by. */
  readonly hostName?: string
}

const skewMs = 24 * 3_600_000 // Certificates begin a day early: a member's clock may be late by that much.

/** Signs it: a certificate (PEM). With a key alone it is the certificate of that key, signed by itself. */
export async function signCertificate(
  statement: Statement,
  signer: Signer | Pick<Signer, 'keyPem'>,
  clock: Clock,
): Promise<string> {
  const x509 = await loadX509()
  const publicKey = await webPublicKey(statement.publicKeyPem)
  const issuer =
    'certificatePem' in signer ? new x509.X509Certificate(signer.certificatePem) : undefined
  const subject = statement.subject.map(([attribute, value]) => ({ [attribute]: [value] }))
  const notAfter = Math.min(statement.notAfter, issuer?.notAfter.getTime() ?? Infinity)
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject,
    issuer: issuer?.subject ?? subject,
    notBefore: new Date(Math.min(clock.now(), notAfter) - skewMs),
    notAfter: new Date(notAfter),
    signingAlgorithm: ed25519,
    signingKey: await webPrivateKey(signer.keyPem),
    publicKey,
    extensions: [
      ...usesOf(x509, statement),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      ...(issuer ? [await x509.AuthorityKeyIdentifierExtension.create(issuer)] : []),
    ],
  })
  return `${certificate.toString('pem')}\n`
}

/** How many issuers an authority's certificate (the first of this text) allows below it. */
export async function issuersBelow(certificatePem: string): Promise<number> {
  const x509 = await loadX509()
  const certificate = new x509.X509Certificate(certificatePem)
  return certificate.getExtension(x509.BasicConstraintsExtension)?.pathLength ?? 0
}

/** Reads the first certificate of a text. Throws 'bad-input'. */
export function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw new DreyError('bad-input', `not a certificate: ${messageOf(cause)}`, { cause })
  }
}

/** Reads all certificates of a text: a chain, the leaf first. Throws 'bad-input'. */
export function readChain(pem: string): X509Certificate[] {
  const each = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g
  return (pem.match(each) ?? []).map(readCertificate)
}

/** Reads a public key (PEM). Throws 'bad-input'. */
export function readPublicKey(pem: string) {
  try {
    return createPublicKey(pem)
  } catch (cause) {
    throw new DreyError('bad-input', `not a public key: ${messageOf(cause)}`, { cause })
  }
}

type X509 = typeof import('@peculiar/x509')

/** Loaded only where certificates are made: it takes 4 MB, and a node that admits nobody has no need of it. */
async function loadX509(): Promise<X509> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto)
  return x509
}

/** What an authority's key may be used for, and what a member's. */
function usesOf(x509: X509, { issuersBelow: below, hostName }: Statement) {
  if (below !== undefined) {
    return [
      new x509.BasicConstraintsExtension(true, below, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
    ]
  }
  const { clientAuth, serverAuth } = x509.ExtendedKeyUsage
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([clientAuth, serverAuth]),
    new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: hostName ?? '' }]),
  ]
}

const ed25519 = { name: 'Ed25519' } as const

/** 16 random bytes, positive and without a leading zero, as X.509 asks. */
function newSerial(): string {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0]! & 0x3f) | 0x40
  return toHex(bytes)
}

function webPublicKey(pem: string) {
  const spki = readPublicKey(pem).export({ type: 'spki', format: 'der' })
  return webcrypto.subtle.importKey('spki', new Uint8Array(spki), ed25519, true, ['verify'])
}

function webPrivateKey(pem: string) {
  const pkcs8 = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' })
  return webcrypto.subtle.importKey('pkcs8', new Uint8Array(pkcs8), ed25519, false, ['sign'])
}
