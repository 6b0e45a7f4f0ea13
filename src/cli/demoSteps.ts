import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { Bytes } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import type { PutReply } from '../gateway/blobs.ts'
import type { Finding } from '../node/gather.ts'
import { flipByte, shardFiles, type ShardFile } from './damage.ts'
import { readInput } from './files.ts'
import { readBlob } from './get.ts'
import type { Global } from './output.ts'
import { Progress } from './progress.ts'
import { storeBlob } from './put.ts'
import { isRunning, type Citizen, type Town } from './town.ts'

/** A file that nothing can be deduplicated in: key stream of a random key. */
export async function makeFile(path: string, size: number, signal: AbortSignal): Promise<string> {
  const cipher = createCipheriv('aes-256-ctr', randomBytes(32), Buffer.alloc(16))
  const zeros = Buffer.alloc(1 << 20)
  await using file = await open(path, 'wx')
  for (let left = size; left > 0; left -= zeros.length) {
    signal.throwIfAborted()
    await file.writeFile(cipher.update(zeros.subarray(0, left)))
  }
  return path
}

export interface Timed {
  readonly seconds: number
  /** SHA-256 of what passed, in hexadecimal: taken here, not by the nodes. */
  readonly hash: string
}

export async function putFile(
  path: string,
  at: Citizen,
  global: Global,
  signal: AbortSignal,
): Promise<Timed & { reply: PutReply }> {
  const { body, size } = await readInput(path)
  const hash = createHash('sha256')
  const started = performance.now()
  const progress = new Progress(global, `put at ${at.name}`, { total: size })
  const seen = async function* (): Bytes {
    for await (const chunk of body) {
      hash.update(chunk)
      yield chunk
    }
  }
  const reply = await storeBlob(at.door, seen(), { signal, progress })
  return { reply, seconds: (performance.now() - started) / 1000, hash: hash.digest('hex') }
}

export async function getBack(
  address: string,
  at: Citizen,
  global: Global,
  signal: AbortSignal,
): Promise<Timed & { bytes: number; findings: readonly Finding[] }> {
  const hash = createHash('sha256')
  const started = performance.now()
  const { bytes, findings } = await readBlob(at.door, address, {
    signal,
    write: (chunk) => void hash.update(chunk),
    progress: (size) => new Progress(global, `get at ${at.name}`, { total: size }),
  })
  const seconds = (performance.now() - started) / 1000
  return { bytes, findings, seconds, hash: hash.digest('hex') }
}

export async function countShards(citizen: Citizen): Promise<number> {
  let count = 0
  for await (const _ of shardFiles(citizen.folder)) count += 1
  return count
}

/** Flips a byte in a data shard of a node that lives: every read of the block asks for it. */
export async function damageOne(
  town: Town,
  k: number,
): Promise<{ citizen: Citizen; file: ShardFile }> {
  for (const citizen of town.citizens.filter(isRunning)) {
    for await (const file of shardFiles(citizen.folder)) {
      if (file.index >= k) continue
      await flipByte(file.path)
      return { citizen, file }
    }
  }
  throw new DreyError('not-found', 'no live node has a shard to damage')
}
