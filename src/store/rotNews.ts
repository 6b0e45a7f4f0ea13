import type { ShardName } from './store.ts'

type Listener = (name: ShardName) => void

/** Passes on which shards a store found rotten and set aside, to those who count them or mend them. */
export class RotNews {
  readonly #listeners = new Set<Listener>()

  tell(name: ShardName): void {
    for (const listener of this.#listeners) listener(name)
  }

  /** Returns what ends it. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
