import { mkdir, open, rename, unlink, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface Names {
  /** Where it is written first: a name that nobody else uses, on the same file system. */
  readonly temporary: string
  readonly path: string
}

/**
 * Writes a file that has all its bytes under its name or is not there, whatever happens meanwhile; once
 * this has resolved (and `sync` is set), after a power cut too. When it fails it leaves nothing
 * behind, unless the disk refuses that too.
 *
 * Every file waits for its own syncs: many at a time share them in the file system's journal, and doing
 * that again here was not faster (measured, docs/decisions/shard-files.md).
 */
export async function writeDurably(
  { temporary, path }: Names,
  pieces: readonly Uint8Array[],
  { sync }: { sync: boolean },
): Promise<void> {
  try {
    await writeNew(temporary, pieces, sync)
    await rename(temporary, path)
  } catch (error) {
    await discard(temporary)
    throw error
  }
  if (!sync) return
  try {
    await syncFolder(dirname(path))
  } catch (error) {
    await discard(path) // Nobody may rely on it: it could be gone after a power cut.
    throw error
  }
}

async function discard(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch {
    // Not there; or the disk takes nothing any more, which the first failure says better.
  }
}

/** Makes a folder, and those above it that are missing, so that they survive a power cut. */
export async function makeFolderDurably(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    await syncFolder(dirname(made))
  }
}

/** Makes the names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r')
  await handle.sync()
}

async function writeNew(path: string, pieces: readonly Uint8Array[], sync: boolean): Promise<void> {
  await using handle = await open(path, 'wx', 0o600)
  await writeAll(handle, pieces)
  if (sync) await handle.datasync()
}

/** In one call and without a copy, unless the system takes less at a time. */
async function writeAll(handle: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  const rest = [...pieces]
  for (;;) {
    let { bytesWritten } = await handle.writev(rest)
    while (rest.length > 0 && bytesWritten >= rest[0]!.length) bytesWritten -= rest.shift()!.length
    if (rest.length === 0) return
    rest[0] = rest[0]!.subarray(bytesWritten)
  }
}
