import { createPublicKey } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { DreyError, messageOf } from '../base/error.ts'
import { fingerprintOf, issue, issueAuthority, type Authority } from '../transport/authority.ts'
import { readCertificate, readChain } from '../transport/certificate.ts'
import type { Vouched } from '../transport/door.ts'
import {
  issuersOf,
  makeIdentity,
  peerIdOf,
  whyNotValid,
  type Identity,
} from '../transport/identity.ts'
import { CertificateNotary } from '../transport/notary.ts'
import { checkKey, proveKey, readKey } from '../transport/proof.ts'
import type { Header, Peer } from '../transport/transporter.ts'

/** What a member shows of itself; and an issuer's authority, which vouches for others. */
export interface Papers {
  readonly identity: Identity
  readonly authority?: Authority
}

export interface PapersParts {
  /** The members connected now. */
  readonly peers: () => readonly Peer[]
  /** Why others do not accept such a member (an issuer in its chain was evicted), or `undefined`. */
  readonly whyNot: (member: Vouched) => string | undefined
  readonly clock: Clock
}

const answerMs = 10_000
const lifeLeft = 1 / 3 // Four months of a year: time for a node that runs only now and then.

/** Whom others take it for: its whole chain is checked, up to the authority. Throws 'not-a-member'. */
export function checkIdentity(identity: Identity, clock: Clock): Vouched {
  const notary = new CertificateNotary(identity, clock)
  return notary.check('drey self 1', notary.sign('drey self 1', new Uint8Array()))
}

/** Why these papers should be made anew, or `undefined`. */
export function whyDue(papers: Papers, parts: PapersParts): string | undefined {
  const { identity, authority } = papers
  const why = whyNotValid(identity.certificatePem, parts.clock.now())
  if (why !== undefined) return why
  if (isEnding(identity, parts.clock)) return `it ends on ${lastDayOf(identity)}`
  if (authority !== undefined && identity.role !== 'issuer') return 'it names no issuer'
  return whyDoubted(identity, parts)
}

/** The last day of a member's certificate. */
export function lastDayOf({ certificatePem }: Pick<Identity, 'certificatePem'>): string {
  return readCertificate(certificatePem).validToDate.toISOString().slice(0, 10)
}

/**
 * Makes them anew, with the same keys and for the same id: an issuer does so itself, others ask one. Where
 * somebody in a chain was evicted, another issuer is asked, and only where none helps and the time runs out
 * is it done with that chain, which members still accept. Throws 'not-enough-members' when nothing came of it.
 */
export async function renewed(
  papers: Papers,
  parts: PapersParts,
  signal: AbortSignal,
): Promise<Papers> {
  const { identity, authority } = papers
  const { clock, peers } = parts
  let second = authority && (await selfIssued(identity, authority, clock))
  if (second !== undefined && whyDoubted(second.identity, parts) === undefined) return second
  const failures: string[] = []
  for (const peer of peers().filter(({ role }) => role === 'issuer')) {
    try {
      const options = { timeoutMs: answerMs, signal }
      const answer = await peer.request({ header: encodeRenew(papers) }, options)
      answer.release?.()
      const made = await taken(papers, answer.header, parts)
      const why = whyDoubted(made.identity, parts)
      if (why === undefined) return made
      second ??= made
      failures.push(`${peer.id}: ${why}`)
    } catch (error) {
      signal.throwIfAborted()
      failures.push(`${peer.id}: ${messageOf(error)}`)
    }
  }
  if (second !== undefined && isEnding(identity, clock)) return second
  const why = failures.length > 0 ? failures.join('; ') : 'none is connected'
  throw new DreyError('not-enough-members', `no issuer renewed it: ${why}`)
}

/**
 * Answers a member that asks for this (`op: 'renew'`): its key, which is its own because its id is the key's
 * hash, and its role stay. An issuer is given a certificate for its authority instead: what it shows of itself
 * it makes with that. Throws 'not-allowed', 'not-a-member', 'protocol'.
 */
export async function answerRenew(
  { authority, identity }: Papers,
  peer: Pick<Peer, 'id' | 'role'>,
  { key, issuerKey, issuerProof }: Header,
  clock: Clock,
): Promise<Header> {
  if (authority === undefined) throw new DreyError('not-allowed', 'this node is no issuer')
  const own = readKey(octets(key))
  if (peerIdOf(own) !== peer.id) throw new DreyError('not-a-member', 'it is for another key')
  if (issuerKey === undefined) {
    const publicKeyPem = String(own.export({ type: 'spki', format: 'pem' }))
    return { certificate: await issue(authority, publicKeyPem, { role: peer.role, clock }) }
  }
  if (peer.role !== 'issuer') throw new DreyError('not-allowed', 'it is no issuer')
  const member = peer.id
  const claim = { issue: { fingerprint: fingerprintOf(identity.authorityPem), member } }
  const issuerPem = checkKey({ key: octets(issuerKey), proof: octets(issuerProof) }, claim)
  return { authority: await issueAuthority(authority, issuerPem, { member, clock }) }
}

/** Whether it is in the last third of its life, and should have been renewed. */
export function isEnding(
  { certificatePem }: Pick<Identity, 'certificatePem'>,
  clock: Clock,
): boolean {
  const { validFromDate, validToDate } = readCertificate(certificatePem)
  const [from, to] = [validFromDate.getTime(), validToDate.getTime()]
  return to - clock.now() < (to - from) * lifeLeft
}

/** Whether somebody in its chain was evicted. The member itself may have been spared: it is accepted still. */
function whyDoubted({ role, certificatePem }: Identity, { whyNot }: PapersParts) {
  const issuers = issuersOf(readChain(certificatePem).slice(1))
  const whys = issuers.map((issuer) => whyNot({ id: 'nobody', role, issuers: [issuer] }))
  return whys.find((why) => why !== undefined)
}

async function selfIssued(identity: Identity, authority: Authority, clock: Clock): Promise<Papers> {
  const publicKeyPem = createPublicKey(identity.keyPem).export({ type: 'spki', format: 'pem' })
  const options = { role: 'issuer', clock } as const
  const certificatePem = await issue(authority, String(publicKeyPem), options)
  return { identity: withCertificate(identity, certificatePem), authority }
}

/** What a member asks an issuer for. */
export function encodeRenew({ identity, authority }: Papers): Header {
  const { id: member, keyPem, authorityPem } = identity
  const claim = { issue: { fingerprint: fingerprintOf(authorityPem), member } }
  const { key } = proveKey(keyPem, claim)
  if (authority === undefined) return { op: 'renew', key }
  const issuing = proveKey(authority.keyPem, claim)
  return { op: 'renew', key, issuerKey: issuing.key, issuerProof: issuing.proof }
}

/** What an issuer has answered, once it is certain that it is as good as what there was. */
async function taken(
  { identity, authority }: Papers,
  answer: Header,
  { clock, whyNot }: PapersParts,
): Promise<Papers> {
  const certificatePem = String(authority === undefined ? answer.certificate : answer.authority)
  const papers =
    authority === undefined
      ? { identity: withCertificate(identity, certificatePem) }
      : await selfIssued(identity, { ...authority, certificatePem }, clock)
  const vouched = checkIdentity(papers.identity, clock)
  const why =
    vouched.role === identity.role ? whyNot(vouched) : `it is for a ${vouched.role} member`
  if (why === undefined) return papers
  throw new DreyError('not-a-member', `it would be of no use: ${why}`)
}

/** The same key with another certificate, which says who it is. */
function withCertificate({ keyPem, authorityPem }: Identity, certificatePem: string): Identity {
  return makeIdentity({ keyPem, certificatePem, authorityPem })
}

function octets(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new DreyError('protocol', 'a key is missing')
}
