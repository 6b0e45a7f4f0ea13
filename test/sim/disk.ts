import type { Clock } from '../../src/base/clock.ts'
import type { Random } from '../../src/base/random.ts'
import { LimitedStore } from '../../src/store/limited.ts'
import { MemoryStore } from '../../src/store/memory.ts'
import type { RotNews } from '../../src/store/rotNews.ts'
import { formatShardName } from '../../src/store/shardName.ts'
import type { ListOptions, Shard, ShardName, StoreUsage } from '../../src/store/store.ts'

const usualMs = 10

/** What of a machine outlives its crashes: the shards, and what the weather has done to them. */
export class Disk {
  readonly kept = new MemoryStore()
  readonly #rotten = new Set<string>()
  /** How long a call takes at most. */
  slowMs = usualMs
  /** The part of calls that fail. */
  failing = 0
  /** It takes nothing more. */
  isFull = false

  get isWell(): boolean {
    return this.slowMs === usualMs && this.failing === 0
  }

  recover(): void {
    this.slowMs = usualMs
    this.failing = 0
    this.isFull = false
  }

  /** Flips bytes of a shard: whoever reads it next finds it rotten. */
  rot(name: ShardName): void {
    this.#rotten.add(formatShardName(name))
  }

  isRotten(name: ShardName): boolean {
    return this.#rotten.has(formatShardName(name))
  }

  /** Loses a shard, and tells nobody. */
  forget(name: ShardName): Promise<boolean> {
    this.#rotten.delete(formatShardName(name))
    return this.kept.delete(name)
  }

  /** What can still be read. */
  async sound(): Promise<ShardName[]> {
    const names: ShardName[] = []
    for await (const name of this.kept.list()) if (!this.isRotten(name)) names.push(name)
    return names
  }
}

export interface MountParts {
  readonly clock: Clock
  readonly random: Random
  readonly rot: RotNews
}

/**
 * A disk as one life of its machine sees it. Calls take time and may fail. When the machine crashes, what
 * had not reached the disk never will; what had, is there, though nobody was told.
 */
export class MountedDisk extends LimitedStore {
  readonly #disk: Disk
  readonly #parts: MountParts
  #isOff = false

  constructor(disk: Disk, parts: MountParts) {
    super(disk.kept)
    this.#disk = disk
    this.#parts = parts
  }

  /** The machine is off: nothing that is under way comes to anything. */
  cut(): void {
    this.#isOff = true
  }

  override async put(shard: Shard, { signal }: { signal?: AbortSignal } = {}): Promise<boolean> {
    await this.#suffer(signal)
    const isNew = await super.put(shard, { signal })
    await this.#suffer() // It is there; whether anybody hears of it is another question.
    return isNew
  }

  override async get(
    name: ShardName,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<Shard | undefined> {
    await this.#suffer(signal)
    if (this.#disk.isRotten(name) && (await this.#disk.forget(name))) this.#parts.rot.tell(name)
    return super.get(name, { signal })
  }

  override async has(name: ShardName): Promise<boolean> {
    await this.#glance()
    return super.has(name)
  }

  override async shardsOf(block: ShardName['block']): Promise<ShardName[]> {
    await this.#glance()
    return super.shardsOf(block)
  }

  override async *list(options?: ListOptions): AsyncGenerator<ShardName> {
    await this.#glance()
    for await (const name of super.list(options)) {
      yield name
      if (this.#isOff) throw new Error('the machine is off')
    }
  }

  override async delete(name: ShardName): Promise<boolean> {
    await this.#suffer()
    return super.delete(name)
  }

  override async usage(): Promise<StoreUsage> {
    await this.#glance()
    return super.usage()
  }

  protected override async left(): Promise<number> {
    return this.#disk.isFull ? 0 : Number.MAX_SAFE_INTEGER
  }

  protected override refusal(): string {
    return 'this disk is full'
  }

  /** What a healthy disk has at hand takes no time: simulating it would take most of ours. */
  async #glance(): Promise<void> {
    if (this.#isOff || !this.#disk.isWell) await this.#suffer()
  }

  async #suffer(signal?: AbortSignal): Promise<void> {
    const { clock, random } = this.#parts
    if (this.#isOff) throw new Error('the machine is off')
    await clock.sleep(random.fraction() * this.#disk.slowMs, signal)
    if (this.#isOff) throw new Error('the machine is off')
    if (random.fraction() < this.#disk.failing) throw new Error('EIO: a bad disk')
  }
}
