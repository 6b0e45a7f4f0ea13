import * as dagCbor from '@ipld/dag-cbor'
import { concat } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import { decodeCbor, wholeNumber } from '../discovery/record.ts'
import { hashBytes } from './entry.ts'
import { bucketCount, sumBytes } from './register.ts'

/**
 * What two members tell each other of names, as payloads of `names` (DAG-CBOR maps; each field may be absent):
 *
 *     sum      bytes                    the hash of all entries of the sender
 *     sums     bytes                    answers a sum that differs: 256 of them, one for each bucket
 *     has      [[bucket, hashes], …]    what the sender has in these buckets: asks for what it has not
 *     lacks    hashes                   what the other side has, and the sender not: asks for it
 *     entries  [bytes, …]               signed entries
 *     taken    number                   how many of those that came were new
 */
export interface NameWords {
  readonly sum?: Uint8Array
  readonly sums?: Uint8Array
  readonly has?: readonly (readonly [bucket: number, hashes: readonly Uint8Array[]])[]
  readonly lacks?: readonly Uint8Array[]
  readonly entries?: readonly Uint8Array[]
  readonly taken?: number
}

export const bucketsMax = 16 // Asked for at once.
export const entriesMax = 128 // Each is checked in 0.2 ms, and people wait meanwhile.
export const wordsBytesMax = 1 << 20 // Half of what a peer may have on its way to us.
const hashesMax = 16_384 // In all that is said at once: in the buckets of a full register, half as many.

export function encodeWords({ has, lacks, ...rest }: NameWords): Uint8Array {
  const all = {
    ...rest,
    has: has?.map(([bucket, hashes]) => [bucket, concat(hashes)]),
    lacks: lacks && concat(lacks),
  }
  return dagCbor.encode(
    Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)),
  )
}

/** Throws 'protocol'. What is signed is not read here. */
export function decodeWords(payload: Uint8Array | undefined): NameWords {
  if (payload === undefined) return {}
  if (payload.length > wordsBytesMax) throw broken(`${payload.length} bytes`)
  const { sum, sums, has, lacks, entries, taken } = decodeCbor(payload) as Record<string, unknown>
  return {
    sum: optional(sum, (value) => bytes(value, sumBytes)),
    sums: optional(sums, (value) => bytes(value, sumBytes * bucketCount)),
    has: optional(has, (value) => list(value, bucketsMax, bucketOf)),
    lacks: optional(lacks, hashesOf),
    entries: optional(entries, (value) => list(value, entriesMax, (each) => bytes(each))),
    taken: optional(taken, (value) => wholeNumber(value, 'taken')),
  }
}

function bucketOf(value: unknown): readonly [number, Uint8Array[]] {
  if (!Array.isArray(value) || value.length !== 2) throw broken('a bucket')
  const bucket = wholeNumber(value[0], 'bucket')
  if (bucket >= bucketCount) throw broken('a bucket')
  return [bucket, hashesOf(value[1])]
}

function hashesOf(value: unknown): Uint8Array[] {
  const all = bytes(value)
  const count = all.length / hashBytes
  if (!Number.isInteger(count) || count > hashesMax) throw broken('hashes')
  return Array.from({ length: count }, (_, at) => all.slice(at * hashBytes, (at + 1) * hashBytes))
}

function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : read(value)
}

function list<T>(value: unknown, countMax: number, read: (item: unknown) => T): T[] {
  if (Array.isArray(value) && value.length <= countMax) return value.map(read)
  throw broken('a list')
}

function bytes(value: unknown, size?: number): Uint8Array {
  const isRight = value instanceof Uint8Array && (size === undefined || value.length === size)
  if (isRight) return value
  throw broken('bytes')
}

function broken(what: string): DreyError {
  return new DreyError(
    'protocol',
    `what was said of names has something wrong where ${what} should be`,
  )
}
