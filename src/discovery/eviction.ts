import * as dagCbor from '@ipld/dag-cbor'
import { DreyError } from '../base/error.ts'
import type { Vouched } from '../transport/door.ts'
import type { Notary } from '../transport/notary.ts'
import type { PeerId } from '../transport/transporter.ts'
import { decodeCbor, decodeSigned, encodeSigned, wholeNumber } from './record.ts'

/** An issuer's statement that a member is one no more. */
export interface Eviction {
  readonly subject: PeerId
  /**
   * Whom the subject had admitted, and who stay: ids of members, and of the keys with which issuers among
   * them admit others. What else its authority makes is refused.
   */
  readonly spared: readonly PeerId[]
  readonly at: number
  readonly by: Vouched
  /** As it travels. */
  readonly bytes: Uint8Array
}

const purpose = 'drey eviction 1'
const sparedMax = 4_096
export const evictionBytesMax = 262_144

/** Signs it. `notary` is an issuer's, or nobody will believe it. */
export function signEviction(
  notary: Notary,
  eviction: Pick<Eviction, 'subject' | 'spared' | 'at'>,
): Uint8Array {
  return encodeSigned(notary.sign(purpose, encodeEviction(eviction)))
}

/** What is signed: DAG-CBOR. */
export function encodeEviction(eviction: Pick<Eviction, 'subject' | 'spared' | 'at'>): Uint8Array {
  const { subject, spared, at } = eviction
  return dagCbor.encode({ v: 1, subject, spared: [...spared], at })
}

/** Reads it, whoever handed it on. Throws 'not-a-member', 'protocol'. */
export function readEviction(notary: Notary, bytes: Uint8Array): Eviction {
  const broken = (why: string) => new DreyError('protocol', `this is no eviction: ${why}`)
  if (bytes.length > evictionBytesMax) throw broken(`it has ${bytes.length} bytes`)
  const signed = decodeSigned(bytes)
  const { v, subject, spared, ...rest } = decodeCbor(signed.text) as Record<string, unknown>
  const at = wholeNumber(rest.at, 'at')
  const by = notary.check(purpose, signed, at) // What an issuer said stays said when its certificate has expired.
  if (by.role !== 'issuer') {
    throw new DreyError('not-a-member', `${by.id} is no issuer, and cannot evict`)
  }
  if (v !== 1) throw broken(`it is of version ${String(v)}`)
  if (typeof subject !== 'string' || subject.length > 64) throw broken('it names nobody')
  const isList = Array.isArray(spared) && spared.length <= sparedMax
  if (!isList || !spared.every((id) => typeof id === 'string' && id.length <= 64)) {
    throw broken('its list is none')
  }
  return {
    subject,
    spared: spared as string[],
    at,
    by,
    bytes: new Uint8Array(bytes),
  }
}
