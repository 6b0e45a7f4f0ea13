/**
 * Counts what a store keeps, folder by folder, while files come and go, and keeps the count from then
 * on. Nothing is counted twice or missed, and only the names of one folder are in memory: each name
 * is counted in its own turn, which it shares with everything else that changes it.
 */
export class Census {
  #shards = 0
  #bytes = 0
  /** Folders before this one have been listed. */
  #position = 0
  /** Listed in the current folder and not counted yet. */
  readonly #pending = new Set<string>()
  readonly #order: ReadonlyMap<string, number>

  constructor(folders: readonly string[]) {
    this.#order = new Map(folders.map((folder, index) => [folder, index]))
  }

  get shards(): number {
    return this.#shards
  }

  get bytes(): number {
    return this.#bytes
  }

  /**
   * Counts all folders. `list` gives the names in one, `turn` does something in a name's turn, and
   * `sizeOf` tells how large it is, or `undefined` when it has gone.
   */
  async run(
    parts: {
      list: (folder: string) => Promise<string[]>
      turn: (name: string, work: () => Promise<void>) => Promise<void>
      sizeOf: (folder: string, name: string) => Promise<number | undefined>
    },
    { signal, window }: { signal: AbortSignal; window: number },
  ): Promise<void> {
    const count = async (folder: string, name: string): Promise<void> => {
      if (!this.#pending.has(name)) return
      const size = await parts.sizeOf(folder, name)
      this.#pending.delete(name)
      if (size !== undefined) this.#add(1, size)
    }
    for (const [folder, index] of this.#order) {
      for (const name of await parts.list(folder)) this.#pending.add(name)
      this.#position = index + 1
      const names = [...this.#pending]
      while (names.length > 0) {
        signal.throwIfAborted()
        const some = names.splice(-window)
        await Promise.all(some.map((name) => parts.turn(name, () => count(folder, name))))
      }
    }
  }

  /** Whether a folder has been listed: what goes from it has to be taken off the count. */
  listed(folder: string): boolean {
    return this.#order.get(folder)! < this.#position
  }

  /** In the name's turn, after it came. */
  added(folder: string, name: string, size: number): void {
    if (this.listed(folder)) {
      if (!this.#pending.has(name)) this.#add(1, size)
    } else if (this.#order.get(folder) === this.#position) {
      this.#pending.add(name) // The list that is being made may have missed it.
    }
  }

  /** In the name's turn, after it went; `wasListed` is what `listed` said before. */
  removed(name: string, size: number, wasListed: boolean): void {
    if (!this.#pending.delete(name) && wasListed) this.#add(-1, -size)
  }

  #add(shards: number, bytes: number): void {
    this.#shards += shards
    this.#bytes += bytes
  }
}
