import { digestOf, type HashName } from '../address/hash.ts'
import { blake3 } from '../address/blake3.ts'
import { asBuffer, equalBytes } from '../base/bytes.ts'
import { shardBytesOf, type Code } from '../coding/code.ts'
import type { Kernel } from '../coding/kernel.ts'
import { encode, rebuild } from '../coding/reed-solomon.ts'
import { cryptInPlace } from '../crypto/ctr.ts'
import { contentKey } from '../crypto/keys.ts'
import { shardAt, type Place } from './place.ts'

/** Seals what stands at a place (when `secret` is given), addresses it and codes it. */
export interface SealJob extends Place, Code {
  readonly type: 'seal'
  /** Bytes of the block, which are as many as its plaintext's. */
  readonly size: number
  readonly hash: HashName
  /** The secret that content keys are made under; without it the place holds a block already. */
  readonly secret?: Uint8Array
}

export interface Sealed {
  /** The key that opens the block; absent when the block was given. */
  readonly key?: Uint8Array
  readonly digest: Uint8Array
  /** The n shards' BLAKE3 hashes, one after another. */
  readonly shards: Uint8Array
}

/** Makes a block whole from any k shards, checks it, and opens it where it stands. */
export interface OpenJob extends Place, Code {
  readonly type: 'open'
  readonly size: number
  readonly hash: HashName
  readonly digest: Uint8Array
  /** The n hashes that the layout promises. */
  readonly shards: Uint8Array
  /** Which shards are there, each at its own place. */
  readonly present: readonly number[]
  /** Without it the block is checked and left sealed. */
  readonly key?: Uint8Array
}

export interface Opened {
  /** Whether the bytes are the address's, and opened. */
  readonly ok: boolean
  /** When not: which shards are not the layout's. None means that the layout itself lies. */
  readonly wrong: readonly number[]
}

export type Job = SealJob | OpenJob

/** Does the work of the pipe on the calling thread. */
export class Worksite {
  readonly #memory: WebAssembly.Memory
  readonly #kernel: Kernel

  constructor(memory: WebAssembly.Memory, kernel: Kernel) {
    this.#memory = memory
    this.#kernel = kernel
  }

  /** One pass: key from the plaintext, cipher, address, parity, shards' hashes. */
  seal(job: SealJob): Sealed {
    const block = this.#bytes(job.dataAt, job.size)
    const key = job.secret && contentKey(job.secret, block)
    if (key) cryptInPlace(key, 0, block)
    const digest = digestOf(job.hash, block)
    return { key, digest, shards: this.#code(job, digest) }
  }

  /** Shards are used as they came, to their last byte: the layout's hashes are of all of it. */
  open(job: OpenJob): Opened {
    const shardBytes = shardBytesOf(job, job.size)
    this.#makeWhole(job, shardBytes)
    const block = this.#bytes(job.dataAt, job.size)
    if (!equalBytes(digestOf(job.hash, block), job.digest)) {
      return { ok: false, wrong: this.#wrongOnes(job, shardBytes) }
    }
    if (job.key) cryptInPlace(job.key, 0, block)
    return { ok: true, wrong: [] }
  }

  #code(job: SealJob, digest: Uint8Array): Uint8Array {
    // Not a Buffer of Node's pool: a message to another thread would carry the whole pool with it.
    const hashes = new Uint8Array(32 * job.n)
    if (job.k === 1) {
      const hash = job.hash === 'blake3' ? digest : blake3.hash(this.#bytes(job.dataAt, job.size))
      for (let index = 0; index < job.n; index++) hashes.set(hash, index * 32)
      return hashes
    }
    const shardBytes = shardBytesOf(job, job.size)
    this.#fillUp(job, shardBytes)
    encode(this.#kernel, job, shardBytes, job.dataAt, job.parityAt)
    for (let index = 0; index < job.n; index++) {
      hashes.set(blake3.hash(this.#shard(job, index, shardBytes)), index * 32)
    }
    return hashes
  }

  #makeWhole(job: OpenJob, shardBytes: number): void {
    if (job.k === 1) return
    const present = new Map(
      job.present.map((index) => [index, shardAt(job, index, job.k, shardBytes)]),
    )
    const wanted = new Map<number, number>()
    for (let index = 0; index < job.k; index++) {
      if (!present.has(index)) wanted.set(index, shardAt(job, index, job.k, shardBytes))
    }
    if (wanted.size > 0) rebuild(this.#kernel, job, shardBytes, present, wanted)
  }

  #wrongOnes(job: OpenJob, shardBytes: number): number[] {
    return job.present.filter((index) => {
      const promised = asBuffer(job.shards).subarray(index * 32, index * 32 + 32)
      return !equalBytes(blake3.hash(this.#shard(job, index, shardBytes)), promised)
    })
  }

  /** The end of the last data shard is zeros, whatever the slot held before. */
  #fillUp(job: SealJob, shardBytes: number): void {
    this.#bytes(job.dataAt + job.size, shardBytes * job.k - job.size).fill(0)
  }

  #shard(job: Job, index: number, shardBytes: number): Buffer {
    return this.#bytes(shardAt(job, index, job.k, shardBytes), shardBytes)
  }

  #bytes(at: number, size: number): Buffer {
    return Buffer.from(this.#memory.buffer, at, size)
  }
}
