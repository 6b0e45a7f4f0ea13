import * as dagCbor from '@ipld/dag-cbor'
import { blake3 } from '../address/blake3.ts'
import { concat } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import { decodeCbor, decodeSigned, encodeSigned, recordLimits } from '../discovery/record.ts'
import type { Vouched } from '../transport/door.ts'
import type { Notary, Signed } from '../transport/notary.ts'
import type { PeerId } from '../transport/transporter.ts'

/**
 * What an entry is about: `name:` and a keyed hash of the name, which any reader may set, or `catalog:` and the
 * id of the member whose list of stored blobs it is, who alone may set it (or an issuer, when that is gone).
 */
export type Slot = `name:${string}` | `catalog:${PeerId}`

/** What a reader says, sealed: that a name means an address, say. */
export interface EntrySaying {
  readonly slot: Slot
  /** One more than the newest that whoever says so knew. */
  readonly version: number
  /** Milliseconds since 1970, by the signer's clock. */
  readonly at: number
  /** Sealed: whoever passes it on sees neither name nor address. */
  readonly value: Uint8Array
}

/** A saying with who said it. */
export interface Entry extends EntrySaying {
  readonly by: Vouched
  readonly signed: Signed
  /** Of what is said and by whom: two nodes that have the same entry have the same hash for it. */
  readonly hash: Uint8Array
}

export const entryLimits = {
  bytesMax: 8_192, // A chain of eight certificates, and little else.
  textMax: 1_024, // A name of 255 bytes, an address and a key, sealed.
  aheadMs: recordLimits.aheadMs,
} as const

export const hashBytes = 16

const purpose = 'drey name entry 1'

export function signEntry(notary: Notary, saying: EntrySaying): Signed {
  return notary.sign(purpose, encodeEntrySaying(saying))
}

/** What is signed: DAG-CBOR. */
export function encodeEntrySaying({ slot, version, at, value }: EntrySaying): Uint8Array {
  return dagCbor.encode({ v: 1, slot, version, at, value })
}

/** As it travels. */
export function encodeEntry({ signed }: Pick<Entry, 'signed'>): Uint8Array {
  return encodeSigned(signed)
}

/** Reads an entry as it travels, whoever handed it on. Throws as `readEntry`. */
export function decodeEntry(notary: Notary, bytes: Uint8Array): Entry {
  if (bytes.length > entryLimits.bytesMax) throw broken(`it has ${bytes.length} bytes`)
  return readEntry(notary, decodeSigned(bytes))
}

/**
 * Reads what was signed. The signer has to be vouched for at the time that the entry says: it stays said when
 * the signer's certificate has expired. Throws 'not-a-member', 'protocol'.
 */
export function readEntry(notary: Notary, signed: Signed): Entry {
  if (signed.text.length > entryLimits.textMax) throw broken(`it says ${signed.text.length} bytes`)
  const saying = decodeSaying(signed.text)
  const by = notary.check(purpose, signed, saying.at)
  if (!maySay(saying.slot, by)) {
    throw new DreyError('not-a-member', `${by.id} is not the one to say this (${by.role})`)
  }
  const hash = blake3.hash(concat([Buffer.from(`${by.id}\0`), signed.text])).slice(0, hashBytes)
  return { ...saying, by, signed: owned(signed), hash }
}

/** Below zero when `a` counts more than `b`: the greater version, the later, then the smaller signer and hash. */
export function compareEntries(a: Entry, b: Entry): number {
  if (a.version !== b.version) return b.version - a.version
  if (a.at !== b.at) return b.at - a.at
  if (a.by.id !== b.by.id) return a.by.id < b.by.id ? -1 : 1
  return Buffer.compare(a.hash, b.hash)
}

export function isCatalogSlot(slot: string): boolean {
  return slot.startsWith('catalog:')
}

function maySay(slot: Slot, by: Vouched): boolean {
  if (by.role === 'storage') return false
  return !isCatalogSlot(slot) || slot === `catalog:${by.id}` || by.role === 'issuer'
}

/**
 * No version is greater than its time: so whoever sets one as great as can be is outdone a moment later, and
 * nobody can say a last word.
 */
function decodeSaying(text: Uint8Array): EntrySaying {
  const { v, slot, version, at, value } = decodeCbor(text) as Record<string, unknown>
  if (v !== 1) throw broken(`it is of version ${String(v)}`)
  if (typeof slot !== 'string' || !/^(name:[0-9a-f]{32}|catalog:[\w-]{1,64})$/.test(slot)) {
    throw broken('it is about nothing')
  }
  if (!Number.isSafeInteger(at) || !Number.isSafeInteger(version)) throw broken('it has no version')
  if ((version as number) < 1 || (version as number) > (at as number)) {
    throw broken(`its version cannot be ${String(version)}`)
  }
  if (!(value instanceof Uint8Array)) throw broken('it says nothing')
  return { slot: slot as Slot, version: version as number, at: at as number, value: value.slice() }
}

/** What it was read from is memory of a message, which is used again. */
function owned({ text, signer, signature }: Signed): Signed {
  const own = (bytes: Uint8Array) => new Uint8Array(bytes)
  return { text: own(text), signer: signer.map(own), signature: own(signature) }
}

function broken(why: string): DreyError {
  return new DreyError('protocol', `this is no entry of a name: ${why}`)
}
