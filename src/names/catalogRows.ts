import * as dagCbor from '@ipld/dag-cbor'
import { checkAddress, formatAddress, parseAddress } from '../address/address.ts'
import { concat, equalBytes, type Bytes } from '../base/bytes.ts'
import { DreyError, messageOf } from '../base/error.ts'
import { secretBytes } from '../lease/lease.ts'
import type { Listed } from '../lease/listed.ts'

/**
 * What a catalog's blob holds: the magic, then for each blob that its member stored two bytes of length, high
 * byte first, and a DAG-CBOR map {address, made, secret}, with {expires, name, size} where there are any. The
 * oldest come first: of a list that has grown, most segments are the same.
 */
export const catalogMagic = concat([Buffer.from('\0drey catalog\x01'), new Uint8Array(2)])

const lengthBytes = 2
const chunkBytes = 16 * 1024
const noBytes = new Uint8Array()

/** A catalog's bytes, in chunks of some KiB. */
export async function* encodeCatalog(entries: Iterable<Listed>): AsyncGenerator<Uint8Array> {
  let pieces = [catalogMagic]
  let size = 0
  for (const entry of entries) {
    const record = encodeListed(entry)
    const length = new Uint8Array([record.length >> 8, record.length])
    pieces.push(length, record)
    size += record.length
    if (size < chunkBytes) continue
    yield concat(pieces)
    pieces = []
    size = 0
  }
  if (pieces.length > 0) yield concat(pieces)
}

/** Reads them back. Throws 'corrupt' for what is no catalog. */
export async function* decodeCatalog(source: Bytes): AsyncGenerator<Listed> {
  let rest = noBytes
  let isBegun = false
  for await (const chunk of source) {
    let bytes = concat([rest, chunk])
    if (!isBegun) {
      if (bytes.length >= catalogMagic.length) isBegun = begins(bytes)
      bytes = isBegun ? bytes.subarray(catalogMagic.length) : bytes
    }
    while (isBegun) {
      const end = lengthBytes + (bytes.length < lengthBytes ? 0 : (bytes[0]! << 8) | bytes[1]!)
      if (bytes.length < end || end === lengthBytes) break
      yield decodeListed(bytes.subarray(lengthBytes, end))
      bytes = bytes.subarray(end)
    }
    rest = new Uint8Array(bytes) // The chunk's memory is used again.
  }
  if (!isBegun || rest.length > 0) throw broken('it ends early')
}

function encodeListed({ address, secret, made, expires, name, size }: Listed): Uint8Array {
  return dagCbor.encode({
    ...{ address: parseAddress(address), secret, made },
    ...(expires === null ? {} : { expires }),
    ...(name === null ? {} : { name }),
    ...(size === null ? {} : { size }),
  })
}

function decodeListed(record: Uint8Array): Listed {
  const value = decode(record)
  const { address, secret, made, expires = null, name = null, size = null } = value
  if (!(secret instanceof Uint8Array) || secret.length !== secretBytes) throw broken('a secret')
  if (!isTime(made) || !(expires === null || isTime(expires))) throw broken('a time')
  if (!(size === null || isTime(size))) throw broken('a size')
  if (!(name === null || typeof name === 'string')) throw broken('a name')
  return { address: formatAddress(checkAddress(address)), secret, made, expires, name, size }
}

function decode(record: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = dagCbor.decode(record)
  } catch (cause) {
    throw broken(messageOf(cause))
  }
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  throw broken('an entry is no map')
}

/** A whole number from zero on: milliseconds, or bytes. */
function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function begins(bytes: Uint8Array): true {
  if (equalBytes(bytes.subarray(0, catalogMagic.length), catalogMagic)) return true
  throw broken('it begins otherwise')
}

function broken(why: string): DreyError {
  return new DreyError('corrupt', `this is no catalog: ${why}`)
}
