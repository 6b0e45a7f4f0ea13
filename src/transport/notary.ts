import { createPrivateKey, sign, verify, X509Certificate, type KeyObject } from 'node:crypto'
import { blake3 } from '../address/blake3.ts'
import { concat, toHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { DreyError, messageOf } from '../base/error.ts'
import type { Vouched } from './door.ts'
import { issuersMax, issuersOf, memberOf, type Identity } from './identity.ts'
import type { PeerId } from './transporter.ts'

/** A statement, and what proves whose it is. */
export interface Signed {
  readonly text: Uint8Array
  /** The signer's certificate (DER), and after it the issuers' between it and the authority. */
  readonly signer: readonly Uint8Array[]
  readonly signature: Uint8Array
}

/** Signs in a member's name, and says who signed what others hand on. */
export interface Notary {
  readonly id: PeerId
  /** `purpose` keeps what is signed for one thing from being shown for another. */
  sign(purpose: string, text: Uint8Array): Signed
  /**
   * Whose statement it is. Throws 'not-a-member' when it is nobody's whom the swarm vouches for, or vouched
   * for at the time `at` (now, unless it is given: a statement may outlive its signer's certificate).
   */
  check(purpose: string, signed: Signed, at?: number): Vouched
}

const cacheMax = 2_048 // Signers; about 2 KB each.

interface Signer {
  readonly vouched: Vouched
  readonly publicKey: KeyObject
  /** When the first certificate of the chain begins to be too old. */
  readonly until: number
}

/** Ed25519 signatures (RFC 8032) by the keys that certificates name. A chain is checked once, and remembered. */
export class CertificateNotary implements Notary {
  readonly id: PeerId
  readonly #clock: Clock
  readonly #authority: X509Certificate
  readonly #signers = new Map<string, Signer>()
  #key!: KeyObject
  #chain: readonly Uint8Array[] = []

  constructor(identity: Identity, clock: Clock) {
    this.id = identity.id
    this.#clock = clock
    this.#authority = new X509Certificate(identity.authorityPem)
    this.renew(identity)
  }

  /** Signs with this certificate from now on. */
  renew({ keyPem, certificatePem }: Identity): void {
    this.#key = createPrivateKey(keyPem)
    const pems = certificatePem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
    this.#chain = (pems ?? []).map((pem) => new Uint8Array(new X509Certificate(pem).raw))
  }

  sign(purpose: string, text: Uint8Array): Signed {
    const signature = new Uint8Array(sign(null, spoken(purpose, text), this.#key))
    return { text, signer: this.#chain, signature }
  }

  check(purpose: string, signed: Signed, at = this.#clock.now()): Vouched {
    const { text, signature } = signed
    const { vouched, publicKey, until } = this.#signerOf(signed.signer)
    if (at > until) throw refused('its certificate has expired')
    if (verify(null, spoken(purpose, text), publicKey, signature)) return vouched
    throw new DreyError('not-a-member', `this is not signed by ${vouched.id}`)
  }

  #signerOf(chain: readonly Uint8Array[]): Signer {
    const name = toHex(blake3.hash(concat(chain)))
    const known = this.#signers.get(name)
    const signer = known ?? this.#examine(chain)
    if (known === undefined) {
      if (this.#signers.size >= cacheMax) this.#signers.delete(this.#signers.keys().next().value!)
      this.#signers.set(name, signer)
    }
    return signer
  }

  /** Each is issued by the next, the last by the authority. Path lengths are left to the TLS handshake. */
  #examine(chain: readonly Uint8Array[]): Signer {
    if (chain.length === 0 || chain.length > issuersMax) throw refused('its chain is of no use')
    const certificates = chain.map(readCertificate)
    for (const [at, certificate] of certificates.entries()) {
      const issuer = certificates[at + 1] ?? this.#authority
      const holds = certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
      if (!holds) throw refused('its certificate is of another swarm')
      if (certificate.ca !== at > 0) throw refused('its chain is not one of issuers')
    }
    const [leaf, ...issuers] = certificates
    return {
      vouched: { ...memberOf(leaf!), issuers: issuersOf(issuers) },
      publicKey: leaf!.publicKey,
      until: Math.min(...certificates.map(({ validToDate }) => validToDate.getTime())),
    }
  }
}

function spoken(purpose: string, text: Uint8Array): Uint8Array {
  return concat([Buffer.from(`${purpose}\0`), text])
}

function readCertificate(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der)
  } catch (cause) {
    throw new DreyError('not-a-member', `not a certificate: ${messageOf(cause)}`, { cause })
  }
}

function refused(why: string): DreyError {
  return new DreyError('not-a-member', `its signer is no member: ${why}`)
}
