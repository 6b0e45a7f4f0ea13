import * as dagCbor from '@ipld/dag-cbor'
import { base64url } from 'multiformats/bases/base64'
import { DreyError, messageOf } from '../base/error.ts'
import { parseEndpoint } from './endpoint.ts'

/** What an issuer hands to somebody who is to join: a text of about 200 letters, good for one machine. */
export interface Token {
  /** Where the issuer is reached: "host:port", the likeliest first. */
  readonly addresses: readonly string[]
  /** The BLAKE3 hash of the swarm's authority certificate: the newcomer knows the swarm by it. */
  readonly fingerprint: Uint8Array
  /** The issuer knows the newcomer by it. */
  readonly secret: Uint8Array
  /** Milliseconds since 1970, whole seconds. */
  readonly expires: number
}

export const tokenLimits = {
  addressesMax: 4, // So that its QR code fits a terminal.
  addressLengthMax: 255,
  fingerprintBytes: 32,
  secretBytes: 16, // Nobody guesses 128 bits.
} as const

const prefix = 'drey-join:'
const version = 1

export function formatToken(token: Token): string {
  return prefix + base64url.baseEncode(encodeToken(token))
}

/** What the text says, in bytes. */
export function encodeToken({ addresses, fingerprint, secret, expires }: Token): Uint8Array {
  const fields = { v: version, a: [...addresses], f: fingerprint, s: secret, e: expires / 1000 }
  return dagCbor.encode(fields)
}

/**
 * Reads a token that came through a chat or a mail: spaces, line breaks and quotes around it do no harm.
 * Throws 'bad-input' with what is wrong with it, 'not-allowed' when it has expired.
 */
export function parseToken(text: string, now: number): Token {
  const bare = text.replaceAll(/[\s"'`<>]+/g, '')
  if (!bare.startsWith(prefix)) throw refused(whatElse(bare))
  const strange = /[^\w-]/.exec(bare.slice(prefix.length))
  if (strange !== null) throw refused(`it has a "${strange[0]}", which no token has`)
  const fields = decode(bare.slice(prefix.length))
  if (fields.v !== version) {
    const theirs = typeof fields.v === 'number' ? String(fields.v) : 'unknown'
    throw refused(`its version is ${theirs}, this Drey reads ${version}: is there a newer Drey?`)
  }
  const token = readFields(fields)
  if (now > token.expires) {
    const day = new Date(token.expires).toISOString().slice(0, 16).replace('T', ' ')
    throw new DreyError('not-allowed', `this invitation expired on ${day} UTC: ask for another`)
  }
  return token
}

function decode(text: string): Record<string, unknown> {
  let fields: unknown
  try {
    fields = dagCbor.decode(base64url.baseDecode(text))
  } catch (cause) {
    throw refused('it was cut off or changed on the way: copy all of it', cause)
  }
  if (typeof fields === 'object' && fields !== null) return fields as Record<string, unknown>
  throw refused('there is no invitation in it')
}

function readFields({ a, f, s, e }: Record<string, unknown>): Token {
  const { addressesMax, fingerprintBytes, secretBytes } = tokenLimits
  if (!Array.isArray(a) || a.length < 1 || a.length > addressesMax) {
    throw refused(`it has not one to ${addressesMax} addresses`)
  }
  if (!isBytes(f, fingerprintBytes)) throw refused('its fingerprint is none')
  if (!isBytes(s, secretBytes)) throw refused('its secret is none')
  if (!Number.isSafeInteger(e) || !((e as number) > 0 && (e as number) < 1e11)) {
    throw refused('its expiry is none')
  }
  return { addresses: a.map(readAddress), fingerprint: f, secret: s, expires: (e as number) * 1000 }
}

function readAddress(value: unknown): string {
  if (typeof value !== 'string' || value.length > tokenLimits.addressLengthMax) {
    throw refused('one of its addresses is none')
  }
  try {
    parseEndpoint(value)
  } catch (cause) {
    throw refused(messageOf(cause), cause)
  }
  return value
}

function isBytes(value: unknown, size: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === size
}

/** What it may be, instead of a token. */
function whatElse(text: string): string {
  if (text === '') return 'there is nothing'
  if (prefix.startsWith(text)) return 'it was cut off'
  if (text.startsWith('drey:')) return 'it is a link to a blob; read it with "drey get"'
  if (text.startsWith('baf')) return 'it is the address of a blob; read it with "drey get"'
  return `it does not begin with "${prefix}"`
}

function refused(why: string, cause?: unknown): DreyError {
  return new DreyError('bad-input', `this is no invitation to join: ${why}`, { cause })
}
