import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { DreyError, messageOf } from '../base/error.ts'
import { equalBytes } from '../base/bytes.ts'
import { digestOf, digestSizes, hashCodes, type HashName } from './hash.ts'

/**
 * The signature of a block's bytes: a CID, version 1 (https://github.com/multiformats/cid).
 * Sealed segments have the codec `raw`, nodes of a manifest `dag-cbor`.
 */
export type Address = CID

export const codecs = { raw: 0x55, 'dag-cbor': 0x71 } as const
export type Codec = keyof typeof codecs

export function makeAddress(codec: Codec, hash: HashName, digest: Uint8Array): Address {
  const own = new Uint8Array(digest) // An address outlives the memory that it was computed in.
  return CID.createV1(codecs[codec], Digest.create(hashCodes[hash], own))
}

/** The address of `block`. */
export function addressOf(codec: Codec, hash: HashName, block: Uint8Array): Address {
  return makeAddress(codec, hash, digestOf(hash, block))
}

/** Whether `block` is what `address` names. */
export function matches(address: Address, block: Uint8Array): boolean {
  return equalBytes(address.multihash.digest, digestOf(hashOf(address), block))
}

/** The hash an address was made with. */
export function hashOf(address: Address): HashName {
  for (const [name, code] of Object.entries(hashCodes)) {
    if (code === address.multihash.code) return name as HashName
  }
  throw new DreyError('bad-input', unknownHash(address.multihash.code))
}

/** An address as people paste it: `b…`. */
export function formatAddress(address: Address): string {
  return address.toString()
}

/** Reads an address as people paste it. Says what is wrong with the text when it is not one. */
export function parseAddress(text: string): Address {
  const trimmed = text.trim()
  if (trimmed === '') throw new DreyError('bad-input', 'an address is missing')
  let cid: CID
  try {
    cid = CID.parse(trimmed)
  } catch (cause) {
    throw new DreyError(
      'bad-input',
      `not an address: "${shortened(trimmed)}" (${whyNot(trimmed, cause)})`,
      { cause },
    )
  }
  return checkAddress(cid)
}

/** Reads an address from its bytes, as frames and manifests carry it. */
export function decodeAddress(bytes: Uint8Array): Address {
  let cid: CID
  try {
    cid = CID.decode(new Uint8Array(bytes)) // It keeps what it is given; a frame's memory is not kept.
  } catch (cause) {
    throw new DreyError('bad-input', `not the bytes of an address: ${messageOf(cause)}`, { cause })
  }
  return checkAddress(cid)
}

/**
 * Accepts what Drey makes, and nothing else: version 1, a known codec, a known hash of its full length.
 * Takes whatever a peer's or a disk's data holds in an address's place.
 */
export function checkAddress(value: unknown): Address {
  const refuse = (why: string) => new DreyError('bad-input', `not an address of Drey: ${why}`)
  const cid = CID.asCID(value)
  if (cid === null) throw refuse('it is not a CID')
  if (cid.version !== 1)
    throw refuse('it is a CID of version 0; Drey makes version 1, beginning with "b"')
  if (!Object.values<number>(codecs).includes(cid.code)) {
    throw refuse(
      `its codec is 0x${cid.code.toString(16)}; Drey makes raw (0x55) and dag-cbor (0x71)`,
    )
  }
  const known = Object.entries(hashCodes).find(([, code]) => code === cid.multihash.code)
  if (known === undefined) throw refuse(unknownHash(cid.multihash.code))
  const [name] = known
  if (cid.multihash.digest.length !== digestSizes[name as HashName]) {
    throw refuse(
      `its ${name} digest has ${cid.multihash.digest.length} bytes, not ${digestSizes[name as HashName]}`,
    )
  }
  return cid
}

function unknownHash(code: number): string {
  return `its hash is 0x${code.toString(16)}; Drey knows ${Object.keys(hashCodes).join(', ')}`
}

function whyNot(text: string, cause: unknown): string {
  if (!text.startsWith('b')) return 'an address begins with "b", a link with "drey:"'
  const stray = /[^a-zA-Z2-7]/u.exec(text)
  if (stray !== null)
    return `the character "${stray[0]}" at position ${stray.index + 1} is not base32`
  if (text.length !== 59 && text.length !== 40)
    return `it has ${text.length} characters; an address has 59, or 40 with sha1`
  return `a character is mistyped: ${messageOf(cause)}`
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}
