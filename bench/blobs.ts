import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import type { Bytes } from '../src/base/bytes.ts'
import { readBlob } from '../src/cli/get.ts'
import { Progress } from '../src/cli/progress.ts'
import { storeBlob } from '../src/cli/put.ts'
import type { Citizen } from '../src/cli/town.ts'

const quiet = { quiet: true }
export const never = new AbortController().signal

/** Puts so many bytes of a key stream. */
export async function putKeyStream(at: Citizen, size: number): Promise<string> {
  const progress = new Progress(quiet, '')
  const { address } = await storeBlob(at.door, keyStream(size), { signal: never, progress })
  return address
}

/** Reads a blob to its end, at some cost for each byte, as whoever reads has. */
export async function getBack(at: Citizen, address: string): Promise<void> {
  const hash = createHash('sha1')
  const parts = { signal: never, progress: () => new Progress(quiet, '') }
  await readBlob(at.door, address, { ...parts, write: (chunk) => void hash.update(chunk) })
}

/** So many bytes in which nothing can be deduplicated: key stream of a random key. */
export async function* keyStream(size: number): Bytes {
  const cipher = createCipheriv('aes-256-ctr', randomBytes(32), Buffer.alloc(16))
  const zeros = Buffer.alloc(256 * 1024)
  for (let left = size; left > 0; left -= zeros.length) yield cipher.update(zeros.subarray(0, left))
}
