import * as dagCbor from '@ipld/dag-cbor'
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { checkAddress, type Address } from '../address/address.ts'
import { blake3 } from '../address/blake3.ts'
import { concat, toHex } from '../base/bytes.ts'
import { DreyError, messageOf } from '../base/error.ts'
import type { Random } from '../base/random.ts'
import { keyBytes, type ReadKeys } from '../crypto/keys.ts'
import { secretBytes, type LeaseSecret } from '../lease/lease.ts'
import type { Slot } from './entry.ts'

/** What a name means. */
export interface NameValue {
  readonly name: string
  /** Absent: the name was removed. */
  readonly address?: Address
  /** What reads it where the swarm's read secret does not: of another swarm's blob, say. */
  readonly key?: Uint8Array
}

/** Where a member's list of what it stored is. */
export interface CatalogValue {
  /** Absent: it has nothing stored. */
  readonly address?: Address
  readonly count: number
  /** Bytes of all that is in it. */
  readonly size: number
  /** What ends the lease on the list itself. */
  readonly lease?: LeaseSecret
}

type Keys = Pick<ReadKeys, 'nameId' | 'nameValue'>

const nonceBytes = 12
const tagBytes = 16
const stepBytes = 128 // Sealed values have multiples of it, so that they hardly tell how long a name is.

/** What everyone may see of a name; only readers can tell which name it is, and confirm a guess. */
export function slotOfName(keys: Keys, name: string): Slot {
  return `name:${toHex(blake3.keyed(keys.nameId, Buffer.from(name))).slice(0, 32)}`
}

export function encodeNameValue({ name, address, key }: NameValue): Uint8Array {
  return dagCbor.encode({ name, ...(address && { address }), ...(key && { key }) })
}

/** Throws 'protocol'. */
export function decodeNameValue(bytes: Uint8Array): NameValue {
  const { name, address, key } = decode(bytes)
  const isKey = key === undefined || (key instanceof Uint8Array && key.length === keyBytes)
  if (typeof name !== 'string' || !isKey) throw broken('a name')
  return {
    name,
    ...(address === undefined ? {} : { address: checkAddress(address) }),
    ...(key === undefined ? {} : { key: key }),
  }
}

export function encodeCatalogValue({ address, count, size, lease }: CatalogValue): Uint8Array {
  return dagCbor.encode({ count, size, ...(address && { address }), ...(lease && { lease }) })
}

/** Throws 'protocol'. */
export function decodeCatalogValue(bytes: Uint8Array): CatalogValue {
  const { address, count, size, lease } = decode(bytes)
  const areCounts = [count, size].every((each) => Number.isSafeInteger(each) && Number(each) >= 0)
  const isLease =
    lease === undefined || (lease instanceof Uint8Array && lease.length === secretBytes)
  if (!areCounts || !isLease) throw broken('a catalog')
  return {
    ...(address === undefined ? {} : { address: checkAddress(address) }),
    ...{ count: count as number, size: size as number },
    ...(lease === undefined ? {} : { lease: lease }),
  }
}

/**
 * Seals a value for its slot: nonce, tag, and in AES-256-GCM the length in two bytes, the value, and zeros. A
 * block needs no tag, since its address says whether it is right; a value has no address, and one key seals
 * all of them.
 */
export function sealValue(keys: Keys, slot: Slot, value: Uint8Array, random: Random): Uint8Array {
  const padded = new Uint8Array(Math.ceil((value.length + 2) / stepBytes) * stepBytes)
  new DataView(padded.buffer).setUint16(0, value.length)
  padded.set(value, 2)
  const nonce = random.bytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', keys.nameValue, nonce).setAAD(Buffer.from(slot))
  const sealed = concat([cipher.update(padded), cipher.final()])
  return concat([nonce, cipher.getAuthTag(), sealed])
}

/** Throws 'protocol' when it was sealed under another read secret, for another slot, or not at all. */
export function openValue(keys: Keys, slot: Slot, sealed: Uint8Array): Uint8Array {
  if (sealed.length < nonceBytes + tagBytes + 2) throw broken('a sealed value')
  const [nonce, tag] = [sealed.subarray(0, nonceBytes), sealed.subarray(nonceBytes)]
  const decipher = createDecipheriv('aes-256-gcm', keys.nameValue, nonce)
    .setAAD(Buffer.from(slot))
    .setAuthTag(tag.subarray(0, tagBytes))
  const padded = decipher.update(sealed.subarray(nonceBytes + tagBytes))
  try {
    decipher.final()
  } catch (cause) {
    throw new DreyError('protocol', `a value does not open: ${messageOf(cause)}`, { cause })
  }
  return new Uint8Array(padded.subarray(2, 2 + padded.readUInt16BE(0)))
}

function decode(bytes: Uint8Array): Record<string, unknown> {
  const value: unknown = dagCbor.decode(bytes)
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  throw broken('a map')
}

function broken(what: string): DreyError {
  return new DreyError('protocol', `there is something else where ${what} should be`)
}
