import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { free, freed, type Bytes } from '../base/bytes.ts'
import { DreyError, messageOf } from '../base/error.ts'

const readBytes = 256 * 1024

/** Whether there is a folder at a path. What else is there, or nothing, shows when it is read. */
export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}

/** A file's or, for "-", stdin's bytes, and how many there are when that is known. */
export async function readInput(path: string): Promise<{ body: Bytes; size?: number }> {
  if (path === '-') return { body: freed(process.stdin) }
  const info = await stat(path).catch((cause: unknown) => {
    throw new DreyError('bad-input', `cannot read ${path}: ${messageOf(cause)}`, { cause })
  })
  const size = info.isFile() ? info.size : undefined
  return { body: freed(fileBytes(path)), size }
}

async function* fileBytes(path: string): AsyncGenerator<Uint8Array> {
  await using file = await open(path)
  for (;;) {
    const chunk = new Uint8Array(readBytes)
    const { bytesRead } = await file.read(chunk, 0, readBytes)
    if (bytesRead === 0) return
    yield bytesRead === readBytes ? chunk : chunk.slice(0, bytesRead)
  }
}

/** Where a get writes: nothing is under the name before all is there and synced. */
export interface Output extends AsyncDisposable {
  write(chunk: Uint8Array): Promise<void>
  /** All has been written: give it its name. */
  finish(): Promise<void>
}

/** Writes to a temporary name beside `path`, or to stdout when there is none. */
export async function openOutput(path: string | undefined): Promise<Output> {
  return path === undefined || path === '-' ? new PipeOutput() : FileOutput.open(path)
}

class FileOutput implements Output {
  readonly #path: string
  readonly #temporary: string
  readonly #file: FileHandle
  #finished = false

  private constructor(path: string, temporary: string, file: FileHandle) {
    this.#path = path
    this.#temporary = temporary
    this.#file = file
  }

  static async open(path: string): Promise<FileOutput> {
    const temporary = `${path}.${process.pid}.part`
    try {
      return new FileOutput(path, temporary, await open(temporary, 'w'))
    } catch (cause) {
      throw new DreyError('bad-input', `cannot write ${path}: ${messageOf(cause)}`, { cause })
    }
  }

  async write(chunk: Uint8Array): Promise<void> {
    try {
      await this.#file.writeFile(chunk)
    } catch (cause) {
      throw new DreyError('full', `cannot write ${this.#temporary}: ${messageOf(cause)}`, { cause })
    }
    free(chunk)
  }

  async finish(): Promise<void> {
    await this.#file.sync()
    await this.#file.close()
    await rename(this.#temporary, this.#path)
    this.#finished = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#finished) return
    await this.#file.close()
    await rm(this.#temporary, { force: true })
  }
}

class PipeOutput implements Output {
  async write(chunk: Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      process.stdout.write(chunk, (error) => (error ? reject(error) : resolve()))
    }).catch((cause: unknown) => {
      throw new DreyError('unreachable', `cannot write to stdout: ${messageOf(cause)}`, { cause })
    })
    free(chunk)
  }

  async finish(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}
