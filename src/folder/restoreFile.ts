import { constants } from 'node:fs'
import { lstat, open, unlink, type FileHandle } from 'node:fs/promises'
import type { Link } from '../address/link.ts'
import { free, type Bytes } from '../base/bytes.ts'
import { segmentBytes } from '../manifest/node.ts'
import type { Range } from './folder.ts'

const readBytes = 256 * 1024

export interface FileParts {
  /** A part of a file's bytes. */
  readonly read: (file: Link, range: Range, signal: AbortSignal) => Bytes
  /** How many bytes of a stream are the beginning of a file; less than a segment is not looked at. */
  readonly beginning: (file: Link, content: Bytes, signal: AbortSignal) => Promise<number>
}

export interface FileOptions {
  readonly signal: AbortSignal
  readonly passed: (bytes: number) => void
  readonly mode: number
}

/**
 * Writes all bytes of a file, and leaves it open. It goes on with what an earlier try has left, as far as that is
 * right; anything else that is in the way goes: a link, whoever put it there, and nothing is written through it.
 */
export async function restoreFile(
  path: Buffer,
  { link, size }: { link: Link; size: number },
  parts: FileParts,
  { signal, passed, mode }: FileOptions,
): Promise<FileHandle> {
  const begun = await openBegun(path, size)
  const file = begun ?? (await openNew(path, mode))
  try {
    let at = begun ? await parts.beginning(link, bytesOf(begun), signal) : 0
    await file.truncate(at)
    passed(at)
    for await (const chunk of parts.read(link, { start: at, end: size }, signal)) {
      await writeAt(file, chunk, at)
      at += chunk.length
      passed(chunk.length)
      free(chunk)
    }
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

/** What an earlier try has left, when that is worth checking. */
async function openBegun(path: Buffer, size: number): Promise<FileHandle | undefined> {
  const found = await lstat(path).catch(() => undefined) // Missing: the usual case.
  if (found === undefined || !found.isFile() || found.nlink !== 1) return undefined
  if (found.size < segmentBytes || found.size > size) return undefined
  return open(path, constants.O_RDWR | constants.O_NOFOLLOW)
}

async function openNew(path: Buffer, mode: number): Promise<FileHandle> {
  await removeIfThere(path)
  return open(path, 'wx', mode)
}

/** Removes a file or a link, if there is one. */
export async function removeIfThere(path: Buffer): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  })
}

async function* bytesOf(file: FileHandle): Bytes {
  const chunk = new Uint8Array(readBytes)
  for (let at = 0; ;) {
    const { bytesRead } = await file.read(chunk, 0, readBytes, at)
    if (bytesRead === 0) return
    yield chunk.subarray(0, bytesRead)
    at += bytesRead
  }
}

async function writeAt(file: FileHandle, chunk: Uint8Array, start: number): Promise<void> {
  for (let at = 0; at < chunk.length;) {
    const { bytesWritten } = await file.write(chunk, at, chunk.length - at, start + at)
    at += bytesWritten
  }
}
