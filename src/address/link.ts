import { DreyError } from '../base/error.ts'
import { asBuffer } from '../base/bytes.ts'
import { formatAddress, parseAddress, type Address } from './address.ts'

/** An address and the key that reads it (32 bytes): whoever has it can read. */
export interface Link {
  /** What it names. */
  readonly address: Address
  /** What reads it. */
  readonly key: Uint8Array
}

const scheme = 'drey:'

/** `drey:<address>#<key>`; what stands behind `#` is never sent to any server. */
export function formatLink(link: Link): string {
  return `${scheme}${formatAddress(link.address)}#${asBuffer(link.key).toString('base64url')}`
}

/** Reads a link, or a plain address (then without a key). */
export function parseLink(text: string): { address: Address; key?: Uint8Array } {
  const trimmed = text.trim()
  const body = trimmed.startsWith(scheme) ? trimmed.slice(scheme.length) : trimmed
  const hash = body.indexOf('#')
  if (hash < 0) return { address: parseAddress(body) }
  return { address: parseAddress(body.slice(0, hash)), key: parseKey(body.slice(hash + 1)) }
}

function parseKey(text: string): Uint8Array {
  const refuse = (why: string) => new DreyError('bad-input', `the key behind "#" ${why}`)
  const stray = /[^A-Za-z0-9_-]/u.exec(text)
  if (stray !== null)
    throw refuse(`has "${stray[0]}" at position ${stray.index + 1}, which is not base64url`)
  if (text.length !== 43) throw refuse(`has ${text.length} characters, not 43`)
  return new Uint8Array(Buffer.from(text, 'base64url'))
}
