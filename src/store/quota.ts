import { LimitedStore } from './limited.ts'
import type { Store } from './store.ts'

/** Never keeps more than `bytesMax`. */
export class QuotaStore extends LimitedStore {
  readonly #bytesMax: number

  constructor(inner: Store, options: { bytesMax: number }) {
    super(inner)
    this.#bytesMax = options.bytesMax
  }

  protected override async left(): Promise<number> {
    return this.#bytesMax - (await this.inner.usage()).bytes
  }

  protected override refusal(): string {
    return (
      `this node is full: it offers ${this.#bytesMax} bytes; ` +
      'raise "capacity" in its config, or add a node to the swarm'
    )
  }
}
