import { statfs } from 'node:fs/promises'
import { LimitedStore } from './limited.ts'
import type { Store } from './store.ts'

export interface FloorOptions {
  /** Bytes of the disk that shards never take: a full disk stops more than Drey. */
  readonly freeBytesMin: number
  /** What the disk has left, such as `freeBytesOf` a folder. */
  readonly freeBytes: () => Promise<number>
}

/** Leaves the disk some free space. */
export class FloorStore extends LimitedStore {
  readonly #options: FloorOptions

  constructor(inner: Store, options: FloorOptions) {
    super(inner)
    this.#options = options
  }

  protected override async left(): Promise<number> {
    return (await this.#options.freeBytes()) - this.#options.freeBytesMin
  }

  protected override refusal(): string {
    return (
      `the disk is nearly full: this node leaves ${this.#options.freeBytesMin} bytes of it free; ` +
      'make room there, or lower "freeFloor" in its config'
    )
  }
}

/** What the disk of a folder has left for users other than root. */
export async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}
