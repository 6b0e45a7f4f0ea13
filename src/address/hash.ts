import { createHash } from 'node:crypto'
import { DreyError } from '../base/error.ts'
import { blake3 } from './blake3.ts'

/** The hashes an address can be made with, by their multihash names and codes. */
export const hashCodes = {
  /** 256 bits: the usual one. */
  blake3: 0x1e,
  /** 256 bits. */
  'sha2-256': 0x12,
  /** 160 bits; collisions can be made on purpose. */
  sha1: 0x11,
} as const
/** A hash that an address can be made with. */
export type HashName = keyof typeof hashCodes

export const digestSizes: Record<HashName, number> = { blake3: 32, 'sha2-256': 32, sha1: 20 }

/** Whether a text names one of the hashes. */
export function isHashName(text: string): text is HashName {
  return Object.hasOwn(hashCodes, text)
}

/** A hash by its name. Throws 'bad-input'. */
export function parseHash(name: string | undefined): HashName | undefined {
  if (name === undefined || isHashName(name)) return name
  throw new DreyError('bad-input', `no such hash: "${name}"; choose blake3, sha2-256 or sha1`)
}

/** The digest of `bytes`: 32 bytes, or 20 for SHA-1. */
export function digestOf(name: HashName, bytes: Uint8Array): Uint8Array {
  if (name === 'blake3') return blake3.hash(bytes)
  const hash = createHash(name === 'sha1' ? 'sha1' : 'sha256')
  return new Uint8Array(hash.update(bytes).digest())
}
