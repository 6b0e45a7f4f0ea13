import { mkdir, mkdtemp, open, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './networkSpace.ts'

const ballast = 'ballast'
const pieceBytes = 64 * 1024

/** A disk of its own for a folder, small enough to be filled: a tmpfs. It needs root on Linux. */
export class SmallDisk implements AsyncDisposable {
  readonly #path: string

  private constructor(path: string) {
    this.#path = path
  }

  static async mount(path: string, bytes: number): Promise<SmallDisk> {
    await mkdir(path, { recursive: true })
    await run('mount', '-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'drey-test', path)
    return new SmallDisk(path)
  }

  /** Takes whatever is left, as another program might. */
  async fill(): Promise<void> {
    await using file = await open(join(this.#path, ballast), 'a')
    for (;;) {
      try {
        await file.appendFile(Buffer.alloc(pieceBytes))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return
        throw error
      }
    }
  }

  /** Gives that back, and becomes as large as this. */
  async makeRoom(bytes: number): Promise<void> {
    await rm(join(this.#path, ballast), { force: true })
    await run('mount', '-o', `remount,size=${bytes}`, this.#path)
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#path)
    return bavail * bsize
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('umount', '--lazy', this.#path) // A node that is just ending may still have it open.
  }
}

/** Why no small disk can be had on this machine; `false` when one can, as `skip` of a test wants it. */
export async function whyNoDisk(): Promise<string | false> {
  if (process.platform !== 'linux' || process.getuid!() !== 0) return 'it needs root on Linux'
  const path = await mkdtemp(join(tmpdir(), 'drey-disk-'))
  try {
    await using _disk = await SmallDisk.mount(path, 1 << 20)
    return false
  } catch (error) {
    return `no disk can be mounted here: ${String(error)}`
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}
