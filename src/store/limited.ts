import { DreyError } from '../base/error.ts'
import { layoutId } from '../coding/layout.ts'
import type { Shard, StoreUsage } from './store.ts'
import { WrapperStore } from './wrapper.ts'

/** Takes a shard only while there is room, also for all that are on their way in; otherwise 'full'. */
export abstract class LimitedStore extends WrapperStore {
  /** Room that was ever given to shards on their way in, and what of it has arrived or failed. */
  #begun = 0
  #finished = 0

  /** Bytes there is room for. */
  protected abstract left(): Promise<number>

  /** A sentence that says what is full, and what to do. */
  protected abstract refusal(): string

  override async put(shard: Shard, options?: { signal?: AbortSignal }): Promise<boolean> {
    const room = roomFor(shard)
    const finished = this.#finished
    const left = await this.left()
    // What had not finished when we asked may be missing in the answer, and is counted on top.
    if (left - (this.#begun - finished) < room && !(await this.#isThere(shard))) {
      throw new DreyError('full', this.refusal())
    }
    this.#begun += room
    try {
      return await this.inner.put(shard, options)
    } finally {
      this.#finished += room
    }
  }

  override async usage(): Promise<StoreUsage> {
    const [usage, left] = await Promise.all([this.inner.usage(), this.left()])
    return { ...usage, free: Math.max(0, Math.min(usage.free, left)) }
  }

  /** What is kept already takes no more room. */
  #isThere({ layout, index }: Shard): Promise<boolean> {
    return this.inner.has({ block: layout.block, layout: layoutId(layout), index })
  }
}

/** What a shard takes at most, wherever it is kept: its bytes, and a head that says what it is. */
function roomFor({ layout, bytes }: Shard): number {
  return bytes.length + 256 + layout.shards.length * 32
}
