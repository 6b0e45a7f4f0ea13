import { open, rename, unlink, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Makes written temporary files durable under their names. */
export class Committer {
  readonly #sync: boolean

  constructor(options: { sync: boolean }) {
    this.#sync = options.sync
  }

  /** Takes the file over: closes it, and leaves neither name behind when it fails. */
  async commit(handle: FileHandle, from: string, to: string): Promise<void> {
    {
      await using file = handle
      if (this.#sync) await file.datasync()
    }
    await rename(from, to)
    if (!this.#sync) return
    try {
      await syncFolder(dirname(to))
    } catch (error) {
      await unlink(to)
      throw error
    }
  }
}

export async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r')
  await handle.sync()
}
