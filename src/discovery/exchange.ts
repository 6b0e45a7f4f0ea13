import * as dagCbor from '@ipld/dag-cbor'
import { DreyError } from '../base/error.ts'
import type { PeerId } from '../transport/transporter.ts'
import { decodeCbor, wholeNumber } from './record.ts'
import { rosterMax, type Digest } from './roster.ts'

/**
 * What two members tell each other of the membership, as payloads (DAG-CBOR maps; each field may be
 * absent):
 *
 *     digest     [[id, at], …]   what the sender knows: asks for what is newer
 *     full       bool            whether the sender has room for few more
 *     sum        text            the hash of all evictions that the sender knows
 *     records    [bytes, …]      members' signed records
 *     evictions  [bytes, …]      signed evictions
 *     wanted     [id, …]         of whom the other side should tell more
 */
export interface Exchange {
  readonly digest?: Digest
  readonly full?: boolean
  readonly sum?: string
  readonly records?: readonly Uint8Array[]
  readonly evictions?: readonly Uint8Array[]
  readonly wanted?: readonly PeerId[]
}

export const exchangeBytesMax = 1 << 20 // Half of what a peer may have on its way to us.

export function encodeExchange(exchange: Exchange): Uint8Array {
  return dagCbor.encode(
    Object.fromEntries(Object.entries(exchange).filter(([, value]) => value !== undefined)),
  )
}

/** Throws 'protocol'. What is signed is not read here. */
export function decodeExchange(payload: Uint8Array | undefined): Exchange {
  if (payload === undefined) return {}
  if (payload.length > exchangeBytesMax) throw broken(`${payload.length} bytes`)
  const { digest, full, sum, records, evictions, wanted } = decodeCbor(payload) as Record<
    string,
    unknown
  >
  return {
    digest: list(digest, rosterMax, (entry) => {
      if (!Array.isArray(entry) || entry.length !== 2) throw broken('a digest')
      return [id(entry[0]), wholeNumber(entry[1], 'at')] as const
    }),
    full: full === true,
    sum: sum === undefined ? undefined : id(sum),
    records: list(records, rosterMax, bytes),
    evictions: list(evictions, 4_096, bytes),
    wanted: list(wanted, rosterMax, id),
  }
}

/** As many as fit into one exchange; the rest comes with the next. */
export function* fitting<T extends { readonly bytes: Uint8Array }>(
  items: Iterable<T>,
): Generator<T> {
  let room = exchangeBytesMax / 2
  for (const item of items) {
    room -= item.bytes.length + 8
    if (room < 0) return
    yield item
  }
}

function list<T>(value: unknown, countMax: number, read: (item: unknown) => T): T[] | undefined {
  if (value === undefined) return undefined
  if (Array.isArray(value) && value.length <= countMax) return value.map(read)
  throw broken('a list')
}

function id(value: unknown): string {
  if (typeof value === 'string' && value.length <= 64) return value
  throw broken('a name')
}

function bytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw broken('bytes')
}

function broken(what: string): DreyError {
  return new DreyError('protocol', `an exchange has something wrong where ${what} should be`)
}
