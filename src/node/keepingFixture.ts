import { setImmediate as turn } from 'node:timers/promises'
import { addressOf } from '../address/address.ts'
import { blake3 } from '../address/blake3.ts'
import { between, seededRandom, type Random } from '../base/random.ts'
import { HandClock, pass, sweepAll } from '../lease/fixture.ts'
import { newLease } from '../lease/lease.ts'
import { memoryLeases, type Leases } from '../lease/leases.ts'
import { MemoryStore } from '../store/memory.ts'
import type { Shard, ShardName } from '../store/store.ts'
import { WrapperStore } from '../store/wrapper.ts'
import { Keeping } from './keeping.ts'

export const graceMs = 1_000
export const shardBytes = 64

export async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await turn()
}

/** A store in which everything takes some turns of the event loop, and a put may fail. */
export class DawdlingStore extends WrapperStore {
  readonly #random: Random
  failing = 0

  constructor(random: Random) {
    super(new MemoryStore())
    this.#random = random
  }

  override async put(shard: Shard): Promise<boolean> {
    await this.#dawdle()
    if (this.#random.fraction() < this.failing) throw new Error('EIO: bad disk')
    const isNew = await this.inner.put(shard)
    await this.#dawdle()
    return isNew
  }

  override async delete(name: ShardName): Promise<boolean> {
    await this.#dawdle()
    return this.inner.delete(name)
  }

  #dawdle(): Promise<void> {
    return turns(between(this.#random, 0, 4))
  }
}

/** A node's store and book, and what a test may do to them. */
export interface Bench extends AsyncDisposable {
  readonly store: DawdlingStore
  readonly leases: Leases
  readonly keeping: Keeping
  readonly clock: HandClock
}

export function bench({
  seed = 1,
  ownerQuota,
}: { seed?: number; ownerQuota?: number } = {}): Bench {
  const clock = new HandClock()
  const leases = memoryLeases({ owner: 'me', clock, ownerQuota })
  const store = new DawdlingStore(seededRandom(seed))
  const keeping = new Keeping(store, leases.book)
  return {
    ...{ store, leases, keeping, clock },
    [Symbol.asyncDispose]: () => leases[Symbol.asyncDispose](),
  }
}

export const newLeaseOf = (owner: string) => newLease({ owner, made: 1 })

/** The three shards of one block. */
export function coded(random: Random): Shard[] {
  const pieces = [0, 1, 2].map(() => random.bytes(shardBytes))
  const block = addressOf('raw', 'blake3', random.bytes(32))
  const shards = pieces.map((bytes) => blake3.hash(bytes))
  const layout = { block, size: 2 * shardBytes, k: 2, n: 3, shards }
  return pieces.map((bytes, index) => ({ layout, index, bytes }))
}

/** Removes what is due, as whoever collects it does. */
export async function collect({ leases, keeping, store, clock }: Bench): Promise<void> {
  await sweepAll(leases)
  await pass(leases, clock, graceMs)
  for (const due of leases.sweep.due(graceMs, 1_000)) {
    await keeping.book.letGo(due, graceMs, async () => {
      for (const name of await store.shardsOf(due)) await store.delete(name)
    })
  }
}
