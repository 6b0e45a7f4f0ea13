/** Files by what stands before the first dot of their names: the shards of a block by its address. */
export type Listing = ReadonlyMap<string, readonly string[]>

/**
 * Reads folders for many who ask at once. Whoever asks gets a listing that was begun after it asked, and
 * shares it with everyone who asked before it was begun: a question about each of a thousand blocks takes
 * two listings, not a thousand.
 */
export class Listings {
  readonly #read: (folder: string) => Promise<readonly string[]>
  readonly #running = new Map<string, Promise<Listing>>()
  readonly #next = new Map<string, Promise<Listing>>()

  constructor(read: (folder: string) => Promise<readonly string[]>) {
    this.#read = read
  }

  of(folder: string): Promise<Listing> {
    const running = this.#running.get(folder)
    if (running === undefined) return this.#begin(folder)
    const next = this.#next.get(folder) ?? this.#after(running, folder)
    this.#next.set(folder, next)
    return next
  }

  async #after(running: Promise<Listing>, folder: string): Promise<Listing> {
    await running.catch(() => {}) // Its askers hear of it; this is another try.
    this.#next.delete(folder)
    return this.#begin(folder)
  }

  #begin(folder: string): Promise<Listing> {
    const listing = this.#list(folder)
    this.#running.set(folder, listing)
    const over = () => {
      if (this.#running.get(folder) === listing) this.#running.delete(folder)
    }
    listing.then(over, over)
    return listing
  }

  async #list(folder: string): Promise<Listing> {
    const listing = new Map<string, string[]>()
    for (const file of await this.#read(folder)) {
      const key = file.slice(0, Math.max(0, file.indexOf('.')))
      const others = listing.get(key)
      if (others === undefined) listing.set(key, [file])
      else others.push(file)
    }
    return listing
  }
}
