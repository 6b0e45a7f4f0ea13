import { parseAddress, type Address } from '../address/address.ts'
import { parseLink } from '../address/link.ts'
import { looksLikeAddress, parseName } from '../address/name.ts'
import { DreyError } from '../base/error.ts'
import { ask, readReply } from './ask.ts'
import type { Door } from './door.ts'
import type { NameReply } from './names.ts'

/** What people write where it is to be said which blob. */
export type Reference = {
  /** What stands behind the first "/": where in a folder. Absent: the blob itself. */
  readonly path?: string
} & ({ readonly address: Address; readonly key?: Uint8Array } | { readonly name: string })

/** A reference whose name was looked up. */
export interface Resolved {
  readonly address: Address
  readonly key?: Uint8Array
  readonly path?: string
  /** As it was written, when it was one. */
  readonly name?: string
}

/**
 * Reads an address, a link or a name, each with a path behind it or without: "photos/2026/x",
 * "bafyr4i…/2026/x", "drey:bafyr4i…#…/2026/x". Throws 'bad-input'.
 */
export function parseReference(text: string): Reference {
  const slash = text.indexOf('/')
  const head = (slash < 0 ? text : text.slice(0, slash)).trim()
  const rest = slash < 0 ? '' : text.slice(slash + 1).replace(/^\/+/, '')
  const path = rest === '' ? {} : { path: rest }
  if (looksLikeAddress(head)) return { ...parseLink(head), ...path }
  if (head === '') throw new DreyError('bad-input', 'which blob? Give an address, a link or a name')
  return { name: parseName(head), ...path }
}

/**
 * What a text means now: this is the one place where commands and the library look names up. Throws 'bad-input', and
 * 'not-found' for a name that nobody has set.
 */
export async function resolve(
  door: Door,
  text: string | Reference,
  { signal }: { signal: AbortSignal },
): Promise<Resolved> {
  const reference = typeof text === 'string' ? parseReference(text) : text
  if (!('name' in reference)) return reference
  const { name } = reference
  const reply = await ask(door, 'GET', `/name/${name}`, { signal })
  const { address, key } = await readReply<NameReply>(reply)
  return {
    ...reference,
    ...(key === null ? {} : { key: new Uint8Array(Buffer.from(key, 'base64url')) }),
    address: parseAddress(address),
  }
}

/** The same where only a whole blob will do: a path behind it is refused. */
export async function resolveBlob(
  door: Door,
  text: string | Reference,
  options: { signal: AbortSignal },
): Promise<Resolved> {
  const reference = typeof text === 'string' ? parseReference(text) : text
  if (reference.path === undefined) return resolve(door, reference, options)
  const why = `this is for whole blobs: leave "/${reference.path}" away`
  throw new DreyError('bad-input', why)
}
