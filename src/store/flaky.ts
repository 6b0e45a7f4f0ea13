import { systemClock, type Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Shard, ShardName, Store } from './store.ts'
import { WrapperStore } from './wrapper.ts'

export interface FlakyOptions {
  readonly random: Random
  readonly clock?: Clock
  /** How likely a call fails, as a bad disk would make it. */
  readonly failing?: number
  /** The most that a call takes longer; any time up to it is as likely. */
  readonly slowMsMax?: number
  /** How likely a shard that is read has rotted: it is absent from then on. */
  readonly rotting?: number
  /** Told of every shard that had rotted. */
  readonly onRot?: (name: ShardName) => void
}

/** A store on bad hardware, whose chance comes from a seed. For tests of whoever relies on stores. */
export class FlakyStore extends WrapperStore {
  readonly #options: FlakyOptions

  constructor(inner: Store, options: FlakyOptions) {
    super(inner)
    this.#options = options
  }

  override async put(shard: Shard, options?: { signal?: AbortSignal }): Promise<boolean> {
    await this.#suffer(options?.signal)
    return this.inner.put(shard, options)
  }

  override async get(
    name: ShardName,
    options?: { signal?: AbortSignal },
  ): Promise<Shard | undefined> {
    await this.#suffer(options?.signal)
    if (this.#happens(this.#options.rotting) && (await this.inner.delete(name))) {
      this.#options.onRot?.(name)
    }
    return this.inner.get(name, options)
  }

  override async has(name: ShardName): Promise<boolean> {
    await this.#suffer()
    return this.inner.has(name)
  }

  override async delete(name: ShardName): Promise<boolean> {
    await this.#suffer()
    return this.inner.delete(name)
  }

  async #suffer(signal?: AbortSignal): Promise<void> {
    const { random, clock = systemClock, failing, slowMsMax = 0 } = this.#options
    if (slowMsMax > 0) await clock.sleep(random.fraction() * slowMsMax, signal)
    if (this.#happens(failing)) throw Object.assign(new Error('EIO: bad disk'), { code: 'EIO' })
  }

  #happens(likely = 0): boolean {
    return this.#options.random.fraction() < likely
  }
}
