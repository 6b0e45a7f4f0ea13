import { createRequire } from 'node:module'
import { asBuffer } from '../base/bytes.ts'

/** The three modes of BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs), 32 bytes each. */
export interface Blake3 {
  hash(bytes: Uint8Array): Uint8Array
  /** `key` is 32 bytes. */
  keyed(key: Uint8Array, bytes: Uint8Array): Uint8Array
  /** `context` is a constant text that says application, date and purpose. */
  derive(context: string, material: Uint8Array): Uint8Array
}

const require = createRequire(import.meta.url)

/** 5 GB/s where there is a prebuilt binary (14 platforms). */
export function nativeBlake3(): Blake3 {
  const { blake3: hash, Blake3Hasher } =
    require('@napi-rs/blake-hash') as typeof import('@napi-rs/blake-hash')
  return {
    hash: (bytes) => plain(hash(asBuffer(bytes))),
    keyed: (key, bytes) =>
      plain(Blake3Hasher.newKeyed(asBuffer(key)).update(asBuffer(bytes)).digestBuffer()),
    derive: (context, material) =>
      plain(Blake3Hasher.newDeriveKey(context).update(asBuffer(material)).digestBuffer()),
  }
}

/** A Buffer's `slice` shares memory, unlike every other array's: it goes no further than here. */
function plain(digest: Buffer): Uint8Array {
  return new Uint8Array(digest.buffer, digest.byteOffset, digest.length)
}

/** JavaScript for every other platform: the same bytes, a hundred times slower. */
export function portableBlake3(): Blake3 {
  const { blake3: hash } =
    require('@noble/hashes/blake3.js') as typeof import('@noble/hashes/blake3.js')
  return {
    hash: (bytes) => hash(bytes),
    keyed: (key, bytes) => hash(bytes, { key }),
    derive: (context, material) => hash(material, { context: Buffer.from(context) }),
  }
}

function bestBlake3(): Blake3 {
  try {
    return nativeBlake3()
  } catch {
    return portableBlake3() // No binary for this platform: slower, and just as right.
  }
}

export const blake3: Blake3 = bestBlake3()
