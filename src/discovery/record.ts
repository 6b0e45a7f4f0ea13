import * as dagCbor from '@ipld/dag-cbor'
import { DreyError, messageOf } from '../base/error.ts'
import type { Vouched } from '../transport/door.ts'
import { parseEndpoint } from '../transport/endpoint.ts'
import type { Notary, Signed } from '../transport/notary.ts'
import type { PeerId } from '../transport/transporter.ts'

/** Where a member stands with the swarm, in its own words. */
export type Stage = 'here' | 'leaving' | 'left'

/** What a member says of itself. Only its own signature makes it a record. */
export interface Saying {
  /** What people call the machine. */
  readonly name: string
  /** House, rack or site: shards of a block are spread over zones. Empty: a zone of its own. */
  readonly zone: string
  /** Where it may be dialed: "host:port", the likeliest first. */
  readonly addresses: readonly string[]
  /** Members over which it is reached when it cannot be dialed. */
  readonly relays: readonly PeerId[]
  /** Whether it carries others' connections. */
  readonly offersRelay: boolean
  /** Bytes it offers the swarm, and those it would still take. */
  readonly capacity: number
  readonly free: number
  readonly stage: Stage
  /** When it said so, milliseconds since 1970: of two records the later one counts. */
  readonly at: number
}

/** A saying with who said it. */
export interface MemberRecord extends Saying, Vouched {
  /** As it travels. */
  readonly bytes: Uint8Array
}

export const recordLimits = {
  bytesMax: 8_192, // A chain of eight certificates, and little else.
  nameMax: 64,
  zoneMax: 64,
  addressesMax: 8,
  relaysMax: 4,
  aheadMs: 600_000, // How far a member's clock may be ahead of ours.
} as const

const purpose = 'drey member record 1'
const stages: readonly unknown[] = ['here', 'leaving', 'left']

/** Signs what this member says of itself. */
export function signRecord(notary: Notary, saying: Saying): Uint8Array {
  return encodeSigned(notary.sign(purpose, encodeSaying(saying)))
}

/** What is signed: DAG-CBOR. */
export function encodeSaying(saying: Saying): Uint8Array {
  return dagCbor.encode({ v: 1, ...saying })
}

/**
 * Reads what a member says of itself, whoever handed it on. It has to be vouched for at the time `vouchedAt`
 * (now, unless it is given). Throws 'not-a-member', 'protocol'.
 */
export function readRecord(
  notary: Notary,
  bytes: Uint8Array,
  now: number,
  vouchedAt?: number,
): MemberRecord {
  if (bytes.length > recordLimits.bytesMax) throw broken(`it has ${bytes.length} bytes`)
  const signed = decodeSigned(bytes)
  const vouched = notary.check(purpose, signed, vouchedAt)
  const saying = decodeSaying(signed.text)
  if (saying.at > now + recordLimits.aheadMs) {
    throw broken(
      `it is from the future (${new Date(saying.at).toISOString()}): do the clocks agree?`,
    )
  }
  return { ...saying, ...vouched, bytes: new Uint8Array(bytes) }
}

export function encodeSigned({ text, signer, signature }: Signed): Uint8Array {
  return dagCbor.encode([text, [...signer], signature])
}

/** Throws 'protocol'. */
export function decodeSigned(bytes: Uint8Array): Signed {
  const [text, signer, signature] = decodeCbor(bytes) as unknown[]
  const isWhole = isBytes(text) && isBytes(signature) && Array.isArray(signer)
  if (isWhole && signer.every(isBytes)) return { text, signer, signature }
  throw broken('it is not a signed statement')
}

export function decodeCbor(bytes: Uint8Array): object {
  let value: unknown
  try {
    value = dagCbor.decode(bytes)
  } catch (cause) {
    throw broken(messageOf(cause), cause)
  }
  if (typeof value === 'object' && value !== null) return value
  throw broken('it is neither a map nor a list')
}

function decodeSaying(text: Uint8Array): Saying {
  const map = decodeCbor(text) as Record<string, unknown>
  const { v, stage, at, offersRelay } = map
  if (v !== 1) throw broken(`it is of version ${String(v)}`)
  if (!stages.includes(stage)) throw broken(`its stage is ${String(stage)}`)
  const { nameMax, zoneMax, addressesMax, relaysMax } = recordLimits
  return {
    name: shortText(map.name, nameMax, 'name'),
    zone: shortText(map.zone, zoneMax, 'zone'),
    addresses: shortList(map.addresses, addressesMax, 'addresses').map(endpoint),
    relays: shortList(map.relays, relaysMax, 'relays').map((id) => shortText(id, 64, 'relays')),
    offersRelay: offersRelay === true,
    capacity: wholeNumber(map.capacity, 'capacity'),
    free: wholeNumber(map.free, 'free'),
    stage: stage as Stage,
    at: wholeNumber(at, 'at'),
  }
}

function endpoint(value: unknown): string {
  const text = shortText(value, 300, 'addresses')
  try {
    parseEndpoint(text)
  } catch (cause) {
    throw broken(messageOf(cause), cause)
  }
  return text
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array
}

function shortText(value: unknown, lengthMax: number, field: string): string {
  // Control characters would speak to a terminal.
  if (typeof value === 'string' && value.length <= lengthMax && !/\p{Cc}/u.test(value)) return value
  throw broken(`its "${field}" is not a short text`)
}

function shortList(value: unknown, countMax: number, field: string): unknown[] {
  if (Array.isArray(value) && value.length <= countMax) return value
  throw broken(`its "${field}" is not a list of at most ${countMax}`)
}

export function wholeNumber(value: unknown, field: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
  throw broken(`its "${field}" is not a whole number`)
}

function broken(why: string, cause?: unknown): DreyError {
  return new DreyError('protocol', `this is no record: ${why}`, { cause })
}
