import { chmod, lstat, lutimes, mkdir, rename, rmdir, symlink, utimes } from 'node:fs/promises'
import { DreyError, isDreyError, messageOf } from '../base/error.ts'
import { Tasks, type Begin } from '../base/tasks.ts'
import type { Attributes, Entry } from './entry.ts'
import { formatName, type FindBlob, type Folder } from './folder.ts'
import { childOf } from './local.ts'
import { removeIfThere, restoreFile, type FileParts } from './restoreFile.ts'
import { walk } from './walk.ts'

const defaults = {
  smallAhead: 16, // They wait for an answer each.
  largeAhead: 3, // Each takes some memory of the node.
  largeBytes: 256 << 10,
} as const

const openMode = 0o700
const setIdBits = 0o6000
const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT'

export interface RestoreParts extends FileParts {
  readonly find: FindBlob
}

export interface RestoreOptions {
  readonly signal: AbortSignal
  readonly passed?: (bytes: number) => void
  /** Files may again run as their owner or group, whoever made them. */
  readonly keepsSetId?: boolean
}

/**
 * Writes a stored folder to this machine, with modes, times and symbolic links. Until all is there it has a name
 * of its own beside `path`; called again, it goes on with what that has. What it writes stays below it: names that
 * lead elsewhere are none, and no symbolic link is followed. Throws 'bad-input' when `path` is there and not empty.
 */
export async function restoreTree(
  folder: Folder,
  path: string,
  parts: RestoreParts,
  options: RestoreOptions,
): Promise<{ files: number; bytes: number }> {
  await checkFree(path)
  const partial = Buffer.from(`${path}.${folder.blob.address.toString().slice(-8)}.part`)
  await makeFolder(partial, path)
  const restoring = new Restoring(folder, partial, parts, options)
  const done = await restoring.run()
  await rename(partial, path)
  return done
}

class Restoring {
  readonly #folder: Folder
  readonly #root: Buffer
  readonly #parts: RestoreParts
  readonly #options: RestoreOptions
  readonly #tasks: Tasks
  readonly #beginSmall: Begin
  readonly #beginLarge: Begin
  #files = 0
  #bytes = 0

  constructor(folder: Folder, root: Buffer, parts: RestoreParts, options: RestoreOptions) {
    this.#folder = folder
    this.#root = root
    this.#parts = parts
    this.#options = options
    this.#tasks = new Tasks(options.signal)
    this.#beginSmall = this.#tasks.lane(defaults.smallAhead)
    this.#beginLarge = this.#tasks.lane(defaults.largeAhead)
  }

  async run(): Promise<{ files: number; bytes: number }> {
    await this.#writeAll().catch((error: unknown) => this.#tasks.fail(error))
    await this.#tasks.done()
    await this.#finishFolders()
    return { files: this.#files, bytes: this.#bytes }
  }

  async #writeAll(): Promise<void> {
    for await (const { path, entry } of walk(this.#parts.find, this.#folder)) {
      this.#tasks.signal.throwIfAborted()
      const local = this.#localOf(path)
      if (entry.type === 'folder') await makeFolder(local, formatName(local))
      else await this.#begin(entry)(() => this.#write(local, entry))
    }
  }

  #begin(entry: Entry): Begin {
    const isLarge = entry.type === 'file' && entry.size > defaults.largeBytes
    return isLarge ? this.#beginLarge : this.#beginSmall
  }

  async #write(path: Buffer, entry: Entry): Promise<void> {
    try {
      if (entry.type === 'symlink') await this.#link(path, entry.target)
      else if (entry.type === 'file') await this.#writeFile(path, entry)
      if (entry.type === 'symlink') await lutimes(path, ...timesOf(entry))
    } catch (cause) {
      if (isDreyError(cause) || !(cause instanceof Error && 'syscall' in cause)) throw cause
      const why = `cannot write ${formatName(path)}: ${messageOf(cause)}`
      throw new DreyError('cannot-write', why, { cause })
    }
  }

  async #link(path: Buffer, target: Uint8Array): Promise<void> {
    await removeIfThere(path)
    await symlink(Buffer.from(target), path)
  }

  async #writeFile(path: Buffer, entry: Entry & { type: 'file' }): Promise<void> {
    this.#files += 1
    this.#bytes += entry.size
    if (await isThere(path, entry)) return this.#options.passed?.(entry.size)
    const { passed = () => {} } = this.#options
    const options = { signal: this.#tasks.signal, passed, mode: openMode }
    await using file = await restoreFile(path, entry, this.#parts, options)
    await file.chmod(this.#modeOf(entry))
    await file.utimes(...timesOf(entry)) // The last thing: a file with its time is whole.
  }

  /** From below upwards: what is written in a folder changes its time, and may not be allowed any more. */
  async #finishFolders(): Promise<void> {
    const { find } = this.#parts
    const open: { path: Buffer; attributes: Attributes }[] = []
    const close = async (depth: number) => {
      while (open.length > depth) await this.#finish(open.pop()!)
    }
    for await (const { path, entry } of walk(find, this.#folder)) {
      if (entry.type !== 'folder') continue
      await close(path.length - 1)
      open.push({ path: this.#localOf(path), attributes: entry })
    }
    await close(0)
    await this.#finish({ path: this.#root, attributes: this.#folder.attributes })
  }

  async #finish({ path, attributes }: { path: Buffer; attributes: Attributes }): Promise<void> {
    await utimes(path, ...timesOf(attributes))
    await chmod(path, this.#modeOf(attributes))
  }

  #modeOf({ mode }: Attributes): number {
    return this.#options.keepsSetId ? mode : mode & ~setIdBits
  }

  #localOf(path: readonly Uint8Array[]): Buffer {
    return path.reduce<Buffer>((whole, name) => childOf(whole, name), this.#root)
  }
}

/** Whether an earlier try has written it to the end. */
async function isThere(path: Buffer, entry: Entry & { type: 'file' }): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined) // Missing: the usual case.
  if (found === undefined || !found.isFile() || found.size !== entry.size) return false
  return Math.abs(found.mtimeMs / 1_000 - timesOf(entry)[1]) < 1e-5
}

async function checkFree(path: string): Promise<void> {
  try {
    await rmdir(path) // Only if it is empty.
  } catch (error) {
    if (isMissing(error)) return
    const hint = 'name a folder that is not there yet, or an empty one'
    throw new DreyError('bad-input', `${path} is there and not empty: ${hint}`, { cause: error })
  }
}

/** Makes a folder, or finds one that an earlier try has made. */
async function makeFolder(path: Buffer, shown: string): Promise<void> {
  try {
    await mkdir(path, { mode: openMode })
  } catch (cause) {
    const found = await lstat(path).catch(() => undefined) // Then the first failure tells more.
    if (found?.isDirectory()) return void (await chmod(path, openMode))
    throw new DreyError('cannot-write', `cannot write ${shown}: ${messageOf(cause)}`, { cause })
  }
}

/** As `utimes` wants them, in seconds: some 200 nanoseconds are lost. */
function timesOf({ modified }: Attributes): [accessed: number, modified: number] {
  const seconds = modified.seconds + modified.nanoseconds / 1e9
  return [seconds, seconds]
}
