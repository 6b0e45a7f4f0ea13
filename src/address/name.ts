import { CID } from 'multiformats/cid'
import { DreyError } from '../base/error.ts'

export const nameBytesMax = 255 // What file systems allow, too.

/**
 * Reads what a person calls something: 1–255 bytes, without "/" and control characters. A name never looks
 * like an address or a link, so that one can stand wherever the other can. However an accent was typed, it is
 * the same name (Unicode's form NFC). Throws 'bad-input'.
 */
export function parseName(text: string): string {
  const name = text.normalize('NFC')
  const why = whyNoName(name)
  if (why === undefined) return name
  throw new DreyError('bad-input', `not a name: ${JSON.stringify(name.slice(0, 80))} ${why}`)
}

/** Whether it is to be read as an address or a link, right or mistyped, and never as a name. */
export function looksLikeAddress(text: string): boolean {
  return /^(drey:|baf[ky])/i.test(text.trim()) || isCid(text)
}

function whyNoName(name: string): string | undefined {
  const size = Buffer.byteLength(name)
  if (size === 0) return 'is empty'
  if (size > nameBytesMax) return `has ${size} bytes; a name has at most ${nameBytesMax}`
  if (name === '.' || name === '..') return 'means a folder'
  if (name.includes('/')) return 'has a "/"'
  if (/\p{Cc}/u.test(name)) return 'has a control character'
  if (!name.isWellFormed()) return 'is not Unicode'
  if (name.trim() !== name) return 'begins or ends with a space'
  if (looksLikeAddress(name)) return 'looks like an address or a link'
  return undefined
}

function isCid(text: string): boolean {
  try {
    CID.parse(text)
    return true
  } catch {
    return false // Most texts are none.
  }
}
