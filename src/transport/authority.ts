import { blake3 } from '../address/blake3.ts'
import { systemClock, type Clock } from '../base/clock.ts'
import { DreyError } from '../base/error.ts'
import { issuersBelow, readCertificate, readPublicKey, signCertificate } from './certificate.ts'
import { createKey, peerIdOf } from './identity.ts'
import type { PeerId, Role } from './transporter.ts'

/** What makes members of a swarm: whoever has the key can admit. */
export interface Authority {
  readonly keyPem: string
  /** Its certificate, and after it those of the issuers between it and the swarm's own, if any. */
  readonly certificatePem: string
}

const defaults = {
  authorityDays: 36_500, // A swarm should outlive whoever began it.
  memberDays: 365,
  issuersBelow: 4, // How many issuers may stand between the swarm's authority and a member.
} as const

const dayMs = 24 * 3_600_000

/** Begins a swarm: a new key, and a certificate for it that is signed by itself. */
export async function createAuthority(
  swarmName: string,
  { clock = systemClock }: { clock?: Clock } = {},
): Promise<Authority> {
  const { keyPem, publicKeyPem } = createKey()
  const statement = {
    subject: [
      ['CN', swarmName],
      ['O', 'Drey'],
    ],
    publicKeyPem,
    notAfter: clock.now() + defaults.authorityDays * dayMs,
    issuersBelow: defaults.issuersBelow,
  } as const
  return { keyPem, certificatePem: await signCertificate(statement, { keyPem }, clock) }
}

/**
 * Makes a member: a certificate (PEM) for this public key (PEM), and after it the issuers' between it and
 * the swarm's authority: TLS wants to see the whole chain. Its common name is the id that the key has, its
 * organizational unit the role.
 */
export async function issue(
  authority: Authority,
  publicKeyPem: string,
  options: { role: Role; days?: number; clock?: Clock },
): Promise<string> {
  const { role, days = defaults.memberDays, clock = systemClock } = options
  const id = peerIdOf(readPublicKey(publicKeyPem))
  const statement = {
    subject: [
      ['CN', id],
      ['OU', role],
    ],
    publicKeyPem,
    notAfter: clock.now() + days * dayMs,
    hostName: id,
  } as const
  return (await signCertificate(statement, authority, clock)) + chainOf(authority)
}

/**
 * Makes an issuer's authority: a certificate (PEM) that lets this public key, the member's second one,
 * admit others, and its chain. Its common name is the member's id: who was admitted by whom can be read
 * in a chain. It lives as long as the authority that signs it. Throws 'not-allowed' at the end of a chain.
 */
export async function issueAuthority(
  authority: Authority,
  publicKeyPem: string,
  { member, clock = systemClock }: { member: PeerId; clock?: Clock },
): Promise<string> {
  const statement = {
    subject: [
      ['CN', member],
      ['O', 'Drey'],
    ],
    publicKeyPem,
    notAfter: Infinity,
    issuersBelow: (await checkMayMakeIssuers(authority)) - 1,
  } as const
  return (await signCertificate(statement, authority, clock)) + chainOf(authority)
}

/** How many issuers in a row may stand below this authority. Throws 'not-allowed' when it may make none. */
export async function checkMayMakeIssuers({ certificatePem }: Authority): Promise<number> {
  const below = await issuersBelow(certificatePem)
  if (below > 0) return below
  const end = `it is the last of ${defaults.issuersBelow} in a chain`
  throw new DreyError('not-allowed', `this issuer can admit members, and no issuers: ${end}`)
}

/** What a token names a swarm by: the BLAKE3 hash of its authority's certificate (DER). */
export function fingerprintOf(authorityPem: string): Uint8Array {
  return blake3.hash(new Uint8Array(readCertificate(authorityPem).raw))
}

/** What is shown after a certificate that this authority signed. The swarm's own is known to everyone. */
function chainOf({ certificatePem }: Authority): string {
  const certificate = readCertificate(certificatePem)
  return certificate.verify(certificate.publicKey) ? '' : certificatePem
}
