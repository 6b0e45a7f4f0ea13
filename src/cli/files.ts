import { open, stat } from 'node:fs/promises'
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

/** Standard output. */
export class PipeOutput implements Output {
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
