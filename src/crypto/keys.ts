import { blake3 } from '../address/blake3.ts'
import { asBuffer, concat, equalBytes } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import { createCipheriv } from 'node:crypto'

export const keyBytes = 32

/**
 * What a reader can do, all derived from the swarm's read secret (BLAKE3 derive mode, one context each).
 * The same plaintext gives the same key, so equal content meets at one address; without the read secret
 * nobody can confirm a guess.
 */
export interface ReadKeys {
  /** Keys of segments: keyed hash of the plaintext. */
  readonly segment: Uint8Array
  /** Keys of manifest nodes: keyed hash of the children's keys. */
  readonly manifest: Uint8Array
  /** Wraps a root's key, so that a reader needs the address alone. */
  readonly wrap: Uint8Array
  /** Makes the wrap's counter, which is its check as well. */
  readonly wrapCheck: Uint8Array
  /** Makes of a name what everyone may see of it: keyed hash. */
  readonly nameId: Uint8Array
  /** Seals what a name means. */
  readonly nameValue: Uint8Array
}

export function readKeysOf(readSecret: Uint8Array): ReadKeys {
  if (readSecret.length !== keyBytes) {
    throw new DreyError(
      'bad-input',
      `a read secret has ${keyBytes} bytes, not ${readSecret.length}`,
    )
  }
  const derive = (purpose: string) => blake3.derive(`drey 2026 v1 ${purpose}`, readSecret)
  return {
    segment: derive('segment keys'),
    manifest: derive('manifest keys'),
    wrap: derive('root key wrap'),
    wrapCheck: derive('root key wrap check'),
    nameId: derive('name ids'),
    nameValue: derive('name values'),
  }
}

/** The key that seals `plaintext` and nothing else. `secret` is one of the ReadKeys. */
export function contentKey(secret: Uint8Array, plaintext: Uint8Array): Uint8Array {
  return blake3.keyed(secret, plaintext)
}

/**
 * Wraps a root's key, always in the same way: 16 bytes of check, which are the counter too, then the
 * sealed key. It is the synthetic-IV construction of RFC 5297 with BLAKE3 for the check.
 */
export function wrapKey(keys: ReadKeys, key: Uint8Array): Uint8Array {
  const check = checkOf(keys, key)
  return concat([check, createCipheriv('aes-256-ctr', keys.wrap, check).update(key)])
}

/** The wrapped key, or `undefined` when it was wrapped under another read secret. */
export function unwrapKey(keys: ReadKeys, wrapped: Uint8Array): Uint8Array | undefined {
  if (wrapped.length !== 16 + keyBytes) return undefined
  const check = wrapped.subarray(0, 16)
  const key = createCipheriv('aes-256-ctr', keys.wrap, check).update(wrapped.subarray(16))
  return equalBytes(checkOf(keys, key), check) ? key : undefined
}

function checkOf(keys: ReadKeys, key: Uint8Array): Uint8Array {
  return asBuffer(blake3.keyed(keys.wrapCheck, key)).subarray(0, 16)
}
