import * as dagCbor from '@ipld/dag-cbor'
import { checkAddress, codecs } from '../address/address.ts'
import type { Link } from '../address/link.ts'
import { DreyError, messageOf } from '../base/error.ts'
import { keyBytes } from '../crypto/keys.ts'

/** When something was changed last, as file systems count. */
export interface Time {
  /** Since 1970. */
  readonly seconds: number
  readonly nanoseconds: number
}

/** What a file system says of a thing, beside its name and its bytes. Whose it is, is not kept. */
export interface Attributes {
  /** The twelve bits of permissions, as chmod has them. */
  readonly mode: number
  readonly modified: Time
}

/** What a folder may have in it. */
export type Content =
  | { readonly type: 'file'; readonly link: Link; readonly size: number }
  /** `size`: bytes of all files below it; `count`: of all things below it. */
  | { readonly type: 'folder'; readonly link: Link; readonly size: number; readonly count: number }
  | { readonly type: 'symlink'; readonly target: Uint8Array }

/** One thing in a folder. Its name is any bytes, as file systems have them. */
export type Entry = { readonly name: Uint8Array } & Attributes & Content

export const nameBytesMax = 1_024
export const targetBytesMax = 4_096

/** How an entry is written: a map whose names are short, as there are many. */
interface Fields {
  readonly n?: unknown
  readonly t?: unknown
  readonly m?: unknown
  readonly s?: unknown
  readonly a?: unknown
  readonly k?: unknown
  readonly z?: unknown
  readonly c?: unknown
  readonly to?: unknown
}

export function encodeEntry(entry: Entry): Uint8Array {
  const { name, type } = entry
  const common = { n: name, t: type, ...encodedAttributes(entry) }
  if (type === 'symlink') return dagCbor.encode({ ...common, to: entry.target })
  const { link, size } = entry
  const count = type === 'folder' ? { c: entry.count } : {}
  return dagCbor.encode({ ...common, a: link.address, k: link.key, z: size, ...count })
}

/** Throws 'bad-input' for what is no entry, or has a name that leads out of its folder. */
export function decodeEntry(bytes: Uint8Array): Entry {
  const fields = decodeMap(bytes)
  const name = checkBytes(fields.n, nameBytesMax, 'name')
  if (!isName(name)) throw refuse('a name is empty, "." or "..", or has "/" or a zero byte in it')
  return { name, ...checkAttributes(fields), ...checkContent(fields) }
}

export function encodeAttributes(attributes: Attributes): Uint8Array {
  return dagCbor.encode(encodedAttributes(attributes))
}

/** Throws 'bad-input'. */
export function decodeAttributes(bytes: Uint8Array): Attributes {
  return checkAttributes(decodeMap(bytes))
}

/** Whether it names a thing in a folder, and nothing elsewhere. */
export function isName(name: Uint8Array): boolean {
  if (name.length === 0 || name.length > nameBytesMax) return false
  const text = Buffer.from(name).toString('latin1')
  return text !== '.' && text !== '..' && !/[/\0]/.test(text)
}

function encodedAttributes({ mode, modified }: Attributes) {
  return { m: mode, s: [modified.seconds, modified.nanoseconds] }
}

function checkAttributes({ m, s }: Fields): Attributes {
  const [seconds, nanoseconds] = Array.isArray(s) ? (s as unknown[]) : []
  const isTime = Number.isSafeInteger(seconds) && isCount(nanoseconds) && nanoseconds < 1e9
  if (!isTime) throw refuse('a time is none')
  if (!isCount(m) || m > 0o7777) throw refuse('a mode is none')
  return { mode: m, modified: { seconds: seconds as number, nanoseconds } }
}

function checkContent({ t, a, k, z, c, to }: Fields): Content {
  if (t === 'symlink')
    return { type: 'symlink', target: checkBytes(to, targetBytesMax, 'symbolic link') }
  const address = checkAddress(a)
  if (address.code !== codecs['dag-cbor']) throw refuse('an address is not of a blob')
  const key = checkBytes(k, keyBytes, 'key')
  if (key.length !== keyBytes || !isCount(z)) throw refuse('a key or a size is none')
  const link = { address, key }
  if (t === 'file') return { type: 'file', link, size: z }
  if (t === 'folder' && isCount(c)) return { type: 'folder', link, size: z, count: c }
  throw refuse('something is neither file nor folder nor symbolic link')
}

function decodeMap(bytes: Uint8Array): Fields {
  let value: unknown
  try {
    value = dagCbor.decode(bytes)
  } catch (cause) {
    throw refuse(messageOf(cause), cause)
  }
  if (typeof value !== 'object' || value === null) throw refuse('an entry is not a map')
  return value
}

function checkBytes(value: unknown, bytesMax: number, what: string): Uint8Array {
  if (value instanceof Uint8Array && value.length > 0 && value.length <= bytesMax) return value
  throw refuse(`a ${what} is missing or too long`)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

export function refuse(why: string, cause?: unknown): DreyError {
  return new DreyError('bad-input', `not a folder: ${why}`, { cause })
}
