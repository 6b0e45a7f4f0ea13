import { createPrivateKey, createPublicKey } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { fromHex } from '../src/base/bytes.ts'
import { DreyError } from '../src/base/error.ts'
import { encodeRenew } from '../src/daemon/papers.ts'
import { sendMessage } from '../src/transport/admissionStream.ts'
import * as words from '../src/transport/admissionWords.ts'
import { createAuthority, issue, issueAuthority } from '../src/transport/authority.ts'
import { issuersBelow, readCertificate } from '../src/transport/certificate.ts'
import { encodeHeader } from '../src/transport/frame.ts'
import { makeIdentity } from '../src/transport/identity.ts'
import { proveKey, textOf, type Claim } from '../src/transport/proof.ts'
import { encodeToken, formatToken, type Token } from '../src/transport/token.ts'

// What the sections on tokens and joining show: a token, and what is said with it.
const token: Token = {
  addresses: ['10.0.0.7:7117'],
  fingerprint: Uint8Array.from({ length: 32 }, (_, index) => 0x20 + index),
  secret: Uint8Array.from({ length: 16 }, (_, index) => index),
  expires: 1.8e12,
}
const { fingerprint, secret } = token

// Tests 1 and 2 of RFC 8032: the newcomer's key, and the one that it would admit others with.
const own = keyOf('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60')
const issuing = keyOf('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb')
const member = 'iad6ests3bvsf6owj6vn2qascza23ckv'
const [asJoiner, asIssuer]: Claim[] = [
  { join: { fingerprint, secret } },
  { issue: { fingerprint, member } },
]
const common = { inviter: 'oak', peers: ['10.0.0.7:7117'] }

const root = await createAuthority('the swarm')
const identity = makeIdentity({
  keyPem: own.keyPem,
  certificatePem: await issue(root, own.publicKeyPem, { role: 'storage' }),
  authorityPem: root.certificatePem,
})

/** What each block of bytes in these sections has to be. */
export const joinBytes: Record<string, () => Uint8Array> = {
  token: () => encodeToken(token),
  'join-greeting': () => onTheWire(words.encodeGreeting('(PEM)')),
  'join-claim': () => textOf(asJoiner!),
  'issue-claim': () => textOf(asIssuer!),
  'join-request': () =>
    words.encodeNewcomer({
      ...{ secret, name: 'attic' },
      own: proveKey(own.keyPem, asJoiner!),
      issuing: proveKey(issuing.keyPem, asIssuer!),
    }),
  'join-answer': () =>
    words.encodeAdmission({ ...common, role: 'storage', zone: 'home', certificatePem: '(PEM)' }),
  'join-answer-issuer': () =>
    words.encodeAdmission({
      ...common,
      role: 'issuer',
      issuerPem: '(PEM)',
      readSecret: fingerprint,
    }),
  'join-refusal': () => words.encodeRefusal(new DreyError('not-allowed', 'used')),
  'message-renew': () => encodeHeader(encodeRenew({ identity }), undefined),
}

/** What each block of text has to be. */
export const joinTexts: Record<string, () => Promise<string>> = {
  'token-text': async () => formatToken(token),
  'issuer-certificate': async () => {
    const pem = await issueAuthority(root, issuing.publicKeyPem, { member })
    const { subject, issuer, ca } = readCertificate(pem)
    const lines = [`subject: ${subject}`, `issuer: ${issuer}`, `authority: ${ca}`]
    const below = `issuers below: ${await issuersBelow(pem)}`
    return [...lines, below].map((line) => line.replaceAll('\n', ', ')).join('\n')
  },
}

function keyOf(seed: string): { keyPem: string; publicKeyPem: string } {
  const der = Buffer.from(fromHex(`302e020100300506032b657004220420${seed}`))
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key)
  return {
    keyPem: String(key.export({ type: 'pkcs8', format: 'pem' })),
    publicKeyPem: String(publicKey.export({ type: 'spki', format: 'pem' })),
  }
}

function onTheWire(message: Uint8Array): Uint8Array {
  const wire = new PassThrough()
  sendMessage(wire, message)
  return new Uint8Array(wire.read() as Buffer)
}
