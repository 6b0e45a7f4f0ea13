import type { BigIntStats } from 'node:fs'
import { lstat, open, type FileHandle } from 'node:fs/promises'
import type { Signs } from './cache.ts'
import type { Attributes, Time } from './entry.ts'

const readBytes = 256 * 1024
const nano = 1_000_000_000n

/** What a listing keeps of what the file system says. */
export function attributesOf({ mode, mtimeNs }: BigIntStats): Attributes {
  return { mode: Number(mode & 0o7777n), modified: timeOf(mtimeNs) }
}

export function signsOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): Signs {
  return { device: dev, inode: ino, size, modified: mtimeNs, changed: ctimeNs }
}

export function isSame(a: Signs, b: Signs): boolean {
  return (Object.keys(a) as (keyof Signs)[]).every((sign) => a[sign] === b[sign])
}

/** Paths are bytes: names may be anything but "/" and zero bytes. */
export function childOf(path: Buffer, name: Uint8Array): Buffer {
  return Buffer.concat([path, Buffer.from('/'), name])
}

export function lstatOf(path: Buffer): Promise<BigIntStats> {
  return lstat(path, { bigint: true })
}

/** A file's bytes, and afterwards its signs, as they were when it was opened; `undefined` if it has changed meanwhile. */
export async function openLocal(path: Buffer): Promise<LocalFile> {
  const file = await open(path)
  return new LocalFile(file, signsOf(await file.stat({ bigint: true })))
}

export class LocalFile implements AsyncDisposable {
  readonly #file: FileHandle
  readonly signs: Signs

  constructor(file: FileHandle, signs: Signs) {
    this.#file = file
    this.signs = signs
  }

  async *bytes(passed: (bytes: number) => void): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = new Uint8Array(Math.min(readBytes, Number(this.signs.size) + 1))
      const { bytesRead } = await this.#file.read(chunk, 0, chunk.length)
      if (bytesRead === 0) return
      passed(bytesRead)
      yield bytesRead === chunk.length ? chunk : chunk.slice(0, bytesRead)
    }
  }

  /** Whether it is still what it was when it was opened. */
  async isUnchanged(): Promise<boolean> {
    return isSame(this.signs, signsOf(await this.#file.stat({ bigint: true })))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}

function timeOf(nanoseconds: bigint): Time {
  const rest = ((nanoseconds % nano) + nano) % nano // Before 1970 too.
  return { seconds: Number((nanoseconds - rest) / nano), nanoseconds: Number(rest) }
}
