/** Lets those who work on the same thing do so one after the other, in the order they came. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>()

  /** Does `work` when everyone who came before has finished, however that went. */
  async take<T>(thing: string, work: () => Promise<T>): Promise<T> {
    const mine = (this.#last.get(thing) ?? Promise.resolve()).then(work)
    const over = mine.then(
      () => {},
      () => {}, // Whoever asked for it hears of it; the next one only waits.
    )
    this.#last.set(thing, over)
    try {
      return await mine
    } finally {
      if (this.#last.get(thing) === over) this.#last.delete(thing)
    }
  }

  /** Waits for everything that has been begun. */
  async idle(): Promise<void> {
    await Promise.all(this.#last.values())
  }
}
