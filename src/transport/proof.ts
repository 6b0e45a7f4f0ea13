import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto'
import { concat } from '../base/bytes.ts'
import { DreyError, messageOf } from '../base/error.ts'
import type { PeerId } from './transporter.ts'

/**
 * What a signature is for, so that it cannot be shown for anything else: a member's key that asks to be
 * admitted with a token, or a second key that is to be this member's authority.
 */
export type Claim =
  | { readonly join: { readonly fingerprint: Uint8Array; readonly secret: Uint8Array } }
  | { readonly issue: { readonly fingerprint: Uint8Array; readonly member: PeerId } }

/** A public key (SubjectPublicKeyInfo, DER), and a signature that says who shows it has the private one. */
export interface ProvenKey {
  readonly key: Uint8Array
  readonly proof: Uint8Array
}

/** Shows the public half of a private key (PEM), and proves to have it. */
export function proveKey(keyPem: string, claim: Claim): ProvenKey {
  const privateKey = createPrivateKey(keyPem)
  const key = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const proof = sign(null, textOf(claim), privateKey)
  return { key: new Uint8Array(key), proof: new Uint8Array(proof) }
}

/** The key (PEM), when its proof is one. Throws 'not-a-member', or 'protocol' for what is no key. */
export function checkKey({ key, proof }: ProvenKey, claim: Claim): string {
  const publicKey = readKey(key)
  if (!verify(null, textOf(claim), publicKey, proof)) {
    throw new DreyError('not-a-member', 'the signature is not by the key that is shown')
  }
  return String(publicKey.export({ type: 'spki', format: 'pem' }))
}

/** Reads an Ed25519 public key (SubjectPublicKeyInfo, DER). Throws 'protocol'. */
export function readKey(spki: Uint8Array): KeyObject {
  const refused = (why: string, cause?: unknown) =>
    new DreyError('protocol', `this is no key of a member: ${why}`, { cause })
  let key: KeyObject
  try {
    key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch (cause) {
    throw refused(messageOf(cause), cause)
  }
  if (key.asymmetricKeyType === 'ed25519') return key
  throw refused(`it is for ${key.asymmetricKeyType}`)
}

/** What is signed. */
export function textOf(claim: Claim): Uint8Array {
  if ('join' in claim) {
    const { fingerprint, secret } = claim.join
    return concat([Buffer.from('drey join 1\0'), fingerprint, secret])
  }
  const { fingerprint, member } = claim.issue
  return concat([Buffer.from('drey issue 1\0'), fingerprint, Buffer.from(member)])
}
