import { open, readdir, rename, rm, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Address } from '../address/address.ts'
import { free, type Bytes } from '../base/bytes.ts'
import { DreyError, messageOf } from '../base/error.ts'
import type { Output } from './files.ts'

const readBytes = 256 * 1024
const worthBytes = 1 << 20 // A segment: less could not be checked when a get goes on.

/**
 * A file under a name of its own beside the one that it is to have, until all is there. Of a whole blob, what came
 * stays when the get breaks off, and the next one goes on with it; so the name says of which blob it is, and
 * which process writes it.
 */
export class PartFile implements Output {
  /** What an earlier get has left here. */
  readonly begun: number
  readonly name: string
  readonly #path: string
  readonly #file: FileHandle
  readonly #isKept: boolean
  #size: number
  #isFinished = false

  private constructor(
    path: string,
    name: string,
    file: FileHandle,
    { begun, isKept }: { begun: number; isKept: boolean },
  ) {
    this.#path = path
    this.name = name
    this.#file = file
    this.#isKept = isKept
    this.begun = begun
    this.#size = begun
  }

  /** Without an address nothing of it is kept when it is not finished. Throws 'bad-input'. */
  static async open(path: string, address?: Address): Promise<PartFile> {
    const name = `${path}${tailOf(address)}.${process.pid}.part`
    try {
      const isThere = address !== undefined && (await claim(path, address, name))
      const file = await open(name, isThere ? 'r+' : 'w+')
      const begun = isThere ? (await file.stat()).size : 0
      return new PartFile(path, name, file, { begun, isKept: address !== undefined })
    } catch (cause) {
      throw new DreyError('bad-input', `cannot write ${path}: ${messageOf(cause)}`, { cause })
    }
  }

  /** Bytes that are there. */
  get size(): number {
    return this.#size
  }

  /** Whether a get that breaks off now can be gone on with. */
  get isWorthKeeping(): boolean {
    return this.#isKept && this.#size >= worthBytes
  }

  /** What an earlier get has left. */
  async *read(): Bytes {
    const chunk = new Uint8Array(readBytes)
    for (let at = 0; ;) {
      const { bytesRead } = await this.#file.read(chunk, 0, readBytes, at)
      if (bytesRead === 0) return
      yield chunk.subarray(0, bytesRead)
      at += bytesRead
    }
  }

  /** Goes on behind the first bytes of it; the others are wrong. */
  async goOn(size: number): Promise<void> {
    await this.#file.truncate(size)
    this.#size = size
  }

  async write(chunk: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < chunk.length;) {
        const { bytesWritten } = await this.#file.write(chunk, at, chunk.length - at, this.#size)
        at += bytesWritten
        this.#size += bytesWritten
      }
    } catch (cause) {
      throw new DreyError('full', `cannot write ${this.name}: ${messageOf(cause)}`, { cause })
    }
    free(chunk)
  }

  async finish(): Promise<void> {
    await this.#file.sync()
    await this.#file.close()
    await rename(this.name, this.#path)
    this.#isFinished = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isFinished) return
    await this.#file.close()
    if (!this.isWorthKeeping) await rm(this.name, { force: true })
  }
}

/** Takes what a get that is over has left, under a new name; of several that try, one has it. */
async function claim(path: string, address: Address, name: string): Promise<boolean> {
  const start = `${basename(path)}${tailOf(address)}.`
  for (const found of await readdir(dirname(path))) {
    const pid = found.startsWith(start) && /^(\d+)\.part$/.exec(found.slice(start.length))?.[1]
    if (!pid || isRunning(Number(pid))) continue
    try {
      await rename(join(dirname(path), found), name)
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error // Another has taken it.
    }
  }
  return false
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

function tailOf(address: Address | undefined): string {
  return address === undefined ? '' : `.${address.toString().slice(-8)}`
}
