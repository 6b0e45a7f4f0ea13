import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Address } from '../address/address.ts'
import { silentLog, type Log } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { HandClock } from '../lease/fixture.ts'
import { newLease, type Lease } from '../lease/lease.ts'
import { memoryLeases, type Leases } from '../lease/leases.ts'
import { Activity } from '../node/activity.ts'
import { Keeping } from '../node/keeping.ts'
import { MemoryStore } from '../store/memory.ts'
import { nameOf, sampleShard } from '../store/sample.ts'
import type { Shard, ShardName } from '../store/store.ts'
import { WrapperStore } from '../store/wrapper.ts'
import { Collector } from './collect.ts'

const graceMs = 1_000
const shardBytes = 50
const { signal } = new AbortController()

/** Rests are over at once; the time goes on when it is told to. */
class RestlessClock extends HandClock {
  override sleep = async (_ms: number, signal?: AbortSignal) => {
    await turn()
    signal?.throwIfAborted()
  }
}

/** A store from whose disk some things cannot be removed. */
class StickyStore extends WrapperStore {
  readonly stuck = new Set<Address>()
  /** Before anything is removed. */
  onDelete: () => Promise<void> | void = () => {}

  constructor() {
    super(new MemoryStore())
  }

  override async delete(name: ShardName): Promise<boolean> {
    await this.onDelete()
    if (this.stuck.has(name.block)) throw new Error('EIO: bad disk')
    return this.inner.delete(name)
  }
}

interface Bench extends AsyncDisposable {
  readonly store: StickyStore
  readonly keeping: Keeping
  readonly leases: Leases
  readonly collector: Collector
  readonly clock: RestlessClock
}

function bench({ log = silentLog }: { log?: Log } = {}): Bench {
  const clock = new RestlessClock()
  const store = new StickyStore()
  const leases = memoryLeases({ owner: 'me', clock })
  const keeping = new Keeping(store, leases.book)
  const { sweep } = leases
  const parts = { keeping, sweep, activity: new Activity(clock), clock, log }
  const collector = new Collector(parts, { graceMs })
  const close = () => leases[Symbol.asyncDispose]()
  return { store, keeping, leases, collector, clock, [Symbol.asyncDispose]: close }
}

const ann = newLease({ owner: 'ann', made: 1 })
const bob = newLease({ owner: 'bob', made: 1 })

/** Keeps so many blocks of one shard each. */
async function fill({ keeping }: Bench, count: number, ...leases: Lease[]): Promise<Shard[]> {
  const random = seededRandom(count)
  const shards = Array.from({ length: count }, () => sampleShard(random, { bytes: shardBytes }))
  for (const shard of shards) await keeping.keep(shard, leases, { signal })
  return shards
}

/** The first look finds what nobody wants, from which on its grace time counts. */
async function passGrace({ collector, clock }: Bench): Promise<void> {
  await collector.look({ signal })
  clock.time += graceMs
}

const shardsIn = async ({ store }: Bench) => (await store.usage()).shards
const nothing = { blocks: 0, shards: 0, bytes: 0 }

describe('Collecting garbage', () => {
  it('removes what nobody has wanted for the grace time, and says how much', async () => {
    await using its = bench()
    const { collector, leases } = its
    await fill(its, 100, ann.lease)
    const kept = await fill(its, 30, ann.lease, bob.lease)
    await leases.book.end([ann.secret])
    const early = await collector.collect({ signal })
    assert.deepEqual(early.removed, nothing)
    assert.deepEqual(early.waiting, { blocks: 100, bytes: 100 * shardBytes })
    its.clock.time += graceMs

    const told: number[] = []
    const report = await collector.collect({ signal, report: ({ blocks }) => told.push(blocks) })

    const removed = { blocks: 100, shards: 100, bytes: 100 * shardBytes }
    assert.deepEqual(report, {
      removed,
      waiting: { blocks: 0, bytes: 0 },
      adopted: { blocks: 0, bytes: 0 },
    })
    assert.deepEqual(told, [64, 100], 'a person sees how far it is')
    assert.deepEqual(collector.removed, removed)
    for (const shard of kept) assert.ok(await its.store.has(nameOf(shard)))
    assert.equal(await shardsIn(its), 30)
  })

  it('only looks when it is asked what it would do', async () => {
    await using its = bench()
    await fill(its, 3, ann.lease)
    await its.leases.book.end([ann.secret])
    await passGrace(its)

    for (const _ of [1, 2]) {
      const { removed, waiting } = await its.collector.look({ signal })
      assert.deepEqual(removed, { blocks: 3, shards: 3, bytes: 3 * shardBytes })
      assert.deepEqual(waiting, { blocks: 0, bytes: 0 })
    }
    assert.equal(await shardsIn(its), 3)
    assert.deepEqual(its.collector.removed, nothing)
  })

  it('removes all the others when some cannot be, and those later', async () => {
    await using its = bench()
    const { store, collector } = its
    const shards = await fill(its, 200, ann.lease)
    await its.leases.book.end([ann.secret])
    await passGrace(its)
    for (const { layout } of shards.slice(0, 70)) store.stuck.add(layout.block) // More than are taken at once.

    await assert.rejects(collector.collect({ signal }), /EIO/)
    assert.equal(await shardsIn(its), 70)
    assert.equal(collector.removed.blocks, 130)

    store.stuck.clear()
    const { removed } = await collector.collect({ signal })
    assert.equal(removed.blocks, 70)
    assert.equal(await shardsIn(its), 0)
  })

  it('goes on by itself after a round that failed, and says why', async () => {
    const lines: string[] = []
    const log = { ...silentLog, error: (message: string) => void lines.push(message) }
    await using its = bench({ log })
    const [stuck] = await fill(its, 2, ann.lease)
    await its.leases.book.end([ann.secret])
    await passGrace(its)
    its.store.stuck.add(stuck!.layout.block)
    const over = new AbortController()

    const running = its.collector.run(over.signal)
    while (lines.length === 0) await turn()
    its.store.stuck.clear()
    while ((await shardsIn(its)) > 0) await turn()
    over.abort(new Error('the node is closing'))
    await running

    assert.match(lines[0]!, /could not be removed, and will be: EIO: bad disk/)
  })

  it('does what a person asks for after the round that is under way', async () => {
    await using its = bench()
    await fill(its, 10, ann.lease)
    await its.leases.book.end([ann.secret])
    await passGrace(its)
    const rounds = [1, 2].map(() => its.collector.collect({ signal }))
    const reports = await Promise.all(rounds)
    assert.deepEqual(
      reports.map(({ removed }) => removed.blocks),
      [10, 0],
    )
  })

  it('can be broken off at any block, and is done with the rest later', async () => {
    await using its = bench()
    await fill(its, 10, ann.lease)
    await its.leases.book.end([ann.secret])
    await passGrace(its)
    const over = new AbortController()
    let deletes = 0
    its.store.onDelete = () => {
      if (++deletes === 4) over.abort(new Error('the asker has gone'))
    }
    await assert.rejects(its.collector.collect({ signal: over.signal }), /the asker has gone/)
    const left = await shardsIn(its)
    assert.ok(left > 0)
    assert.equal((await its.collector.collect({ signal })).removed.blocks, left)
  })

  it('leaves what is asked for while others are removed', async () => {
    await using its = bench()
    const shards = await fill(its, 10, ann.lease)
    await its.leases.book.end([ann.secret])
    await passGrace(its)
    const { block } = shards[9]!.layout
    its.store.onDelete = async () => {
      its.store.onDelete = () => {}
      assert.equal((await its.keeping.have(block, [bob.lease])).length, 1)
    }

    assert.equal((await its.collector.collect({ signal })).removed.blocks, 9)
    assert.ok(await its.store.has(nameOf(shards[9]!)))
  })

  it('removes what a crash has left after the grace time, and counts it', async () => {
    await using its = bench()
    const orphan = sampleShard(seededRandom(5), { bytes: shardBytes })
    await its.store.put(orphan) // The book of leases lost it in a power cut.
    const { block } = orphan.layout
    await its.keeping.noteOrphan(block)
    assert.deepEqual((await its.collector.collect({ signal })).removed, nothing)

    its.clock.time += graceMs
    const { removed } = await its.collector.collect({ signal })
    assert.deepEqual(removed, { blocks: 1, shards: 1, bytes: shardBytes })
    assert.equal(its.keeping.book.wants(block), 'unknown')
  })

  it('removes what was adopted once a person says so, and nothing that somebody speaks for', async () => {
    await using its = bench()
    const shards = await fill(its, 5)
    await its.keeping.have(shards[0]!.layout.block, [bob.lease])
    const before = await its.collector.collect({ signal })
    assert.deepEqual(before.adopted, { blocks: 4, bytes: 4 * shardBytes })

    await its.leases.sweep.abandonAdopted()
    await passGrace(its)
    assert.equal((await its.collector.collect({ signal })).removed.blocks, 4)
    assert.ok(await its.store.has(nameOf(shards[0]!)))
  })
})
