import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDreyError } from '../base/error.ts'
import { seededRandom } from '../base/random.ts'
import { pass, sweepAll } from '../lease/fixture.ts'
import { nameOf } from '../store/sample.ts'
import type { Shard } from '../store/store.ts'
import { bytesKept } from './keeping.ts'
import { bench, coded, collect, graceMs, newLeaseOf, shardBytes } from './keepingFixture.ts'

const { signal } = new AbortController()
const [ann, bob] = [newLeaseOf('ann'), newLeaseOf('bob')]
const [first, second, third] = coded(seededRandom(1)) as [Shard, Shard, Shard]
const { block } = first.layout
const [other] = coded(seededRandom(2)) as [Shard]
const missing = other.layout.block

describe('What a node keeps', () => {
  it('is covered by the leases of everyone who is told that it is here', async () => {
    await using its = bench()
    const { keeping, leases } = its
    await keeping.keep(first, [ann.lease], { signal })
    const carl = newLeaseOf('carl')

    assert.deepEqual(await keeping.have(block, [bob.lease]), [
      { layout: nameOf(first).layout, index: first.index },
    ])
    const [here, absent] = await keeping.survey([block, missing], [carl.lease])

    const all = [ann.lease, bob.lease, carl.lease]
    assert.deepEqual(keeping.book.of(block), all)
    assert.equal(here!.leases, keeping.book.digestOf(block))
    assert.deepEqual(absent, { held: [], leases: 0 })
    assert.equal(keeping.book.wants(missing), 'unknown', 'nothing of what is not here is noted')
    await leases.book.end([ann.secret, carl.secret])
    await collect(its)
    assert.ok(await its.store.has(nameOf(first)))
  })

  it('is not covered by those who only ask', async () => {
    await using its = bench()
    await its.keeping.keep(first, [ann.lease], { signal })
    await its.keeping.have(block)
    await its.keeping.survey([block])
    assert.deepEqual(its.keeping.book.of(block), [ann.lease])
  })

  it('is said not to be here by whoever is just letting it go', async () => {
    await using its = bench()
    const { keeping, leases, store, clock } = its
    await keeping.keep(first, [ann.lease], { signal })
    await keeping.book.end([ann.secret])
    await sweepAll(leases)
    await pass(leases, clock, graceMs)

    const going = keeping.book.letGo(
      block,
      graceMs,
      async () => void (await store.delete(nameOf(first))),
    )
    const told = await keeping.have(block, [bob.lease])
    assert.equal(await going, true)

    assert.deepEqual(told, [])
    await keeping.keep(first, [bob.lease], { signal })
    assert.deepEqual(keeping.book.of(block), [bob.lease])
  })

  it('is in the book for as much as came', async () => {
    await using its = bench()
    const { keeping, store } = its
    await Promise.all([first, second].map((each) => keeping.keep(each, [ann.lease], { signal })))
    assert.equal(keeping.book.bytesOf('ann'), 2 * shardBytes)
    assert.equal(await keeping.keep(first, [ann.lease], { signal }), false)
    assert.equal(keeping.book.bytesOf('ann'), 2 * shardBytes, 'it was here')

    await store.delete(nameOf(second))
    await keeping.settle(block)
    assert.equal(keeping.book.bytesOf('ann'), shardBytes)
    await store.delete(nameOf(first))
    await keeping.settle(block)
    assert.equal(keeping.book.wants(block), 'unknown')
    assert.equal(keeping.book.bytesOf('ann'), 0)
  })

  it('has nothing of a shard that could not be kept', async () => {
    await using its = bench()
    const { keeping, store } = its
    store.failing = 1
    await assert.rejects(keeping.keep(first, [ann.lease], { signal }), /EIO/)
    const wrong = { ...first, bytes: first.bytes.with(0, first.bytes[0]! ^ 1) }
    store.failing = 0
    await assert.rejects(keeping.keep(wrong, [ann.lease], { signal }), (error) =>
      isDreyError(error, 'corrupt'),
    )

    assert.equal(keeping.book.wants(block), 'unknown')
    assert.equal(keeping.book.bytesOf('ann'), 0)
  })

  it('keeps its leases when another shard of the block could not be kept', async () => {
    await using its = bench()
    const { keeping, store } = its
    await keeping.keep(first, [ann.lease], { signal })
    store.failing = 1
    await assert.rejects(keeping.keep(second, [bob.lease], { signal }), /EIO/)

    assert.ok(keeping.book.of(block).some(({ id }) => id === ann.lease.id))
    assert.equal(keeping.book.bytesOf('ann'), shardBytes)
    await its.leases.book.end([bob.secret])
    await collect(its)
    assert.ok(await store.has(nameOf(first)))
  })

  it('counts shards that come at once, whichever is first and whichever fails', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      await using its = bench({ seed })
      its.store.failing = seed % 2 === 0 ? 0 : 0.4
      const shards = [first, second, third]
      await Promise.allSettled(
        shards.map((each) => its.keeping.keep(each, [ann.lease], { signal })),
      )
      const kept = await bytesKept(its.store, block)
      assert.equal(its.keeping.book.bytesOf('ann'), kept, `seed ${seed}`)
      assert.equal(its.keeping.book.wants(block), kept > 0 ? 'wanted' : 'unknown', `seed ${seed}`)
    }
  })

  it('is removed where it is of no use, unless somebody has asked for it since that was judged', async () => {
    await using its = bench()
    const { keeping, store } = its
    for (const each of [first, second]) await keeping.keep(each, [ann.lease], { signal })
    const surplus = await keeping.have(block)
    const leases = keeping.book.digestOf(block)

    await keeping.have(block, [bob.lease])
    assert.equal(await keeping.remove(block, surplus, { leases }), 0)
    assert.equal((await keeping.have(block)).length, 2)

    const now = { leases: keeping.book.digestOf(block) }
    assert.equal(await keeping.remove(block, surplus.slice(0, 1), now), 1)
    assert.equal(keeping.book.bytesOf('bob'), shardBytes)
    assert.equal(await keeping.remove(block, surplus, now), 1)
    assert.equal(keeping.book.wants(block), 'unknown', 'with its shards it has gone from the book')
    assert.equal((await store.usage()).shards, 0)
  })

  it('waits to be let go when nobody ever spoke of it, and is not noted when it has gone', async () => {
    await using its = bench()
    await its.store.put(first)
    await its.keeping.noteOrphan(block)
    await its.keeping.noteOrphan(missing)
    assert.deepEqual(its.leases.sweep.waiting(), { blocks: 1, bytes: shardBytes })
    assert.equal(its.keeping.book.wants(missing), 'unknown')

    await its.keeping.have(block, [ann.lease])
    assert.equal(its.leases.sweep.waiting().blocks, 0)
  })

  it('of an owner who has too much already is refused, whole, and what is here stays', async () => {
    await using its = bench({ ownerQuota: shardBytes })
    const { keeping, store } = its
    await keeping.keep(first, [ann.lease], { signal })
    await assert.rejects(keeping.keep(second, [ann.lease], { signal }), (error) => {
      assert.ok(isDreyError(error, 'full'))
      assert.match(error.message, /for one member: remove what is not needed/)
      return true
    })
    await assert.rejects(keeping.keep(other, [ann.lease], { signal }), (error) =>
      isDreyError(error, 'full'),
    )

    assert.deepEqual(
      [await store.has(nameOf(first)), await store.has(nameOf(second))],
      [true, false],
    )
    assert.equal(keeping.book.wants(missing), 'unknown')
    await keeping.keep(other, [bob.lease], { signal })
  })
})
