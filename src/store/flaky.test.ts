import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { FlakyStore } from './flaky.ts'
import { MemoryStore } from './memory.ts'
import { nameOf, sampleShard } from './sample.ts'
import { storeSuite } from './storeSuite.ts'

storeSuite('FlakyStore', async () => new FlakyStore(new MemoryStore(), { random: seededRandom(1) }))

describe('a flaky store', () => {
  it('fails as often as was asked, the same way with the same seed', async () => {
    const failures = async () => {
      await using store = new FlakyStore(new MemoryStore(), {
        random: seededRandom(2),
        failing: 0.3,
      })
      const shard = sampleShard(seededRandom(3))
      const results = await Promise.allSettled(
        Array.from({ length: 100 }, () => store.has(nameOf(shard))),
      )
      return results.map(({ status }) => status)
    }
    const once = await failures()
    assert.deepEqual(await failures(), once)
    const count = once.filter((status) => status === 'rejected').length
    assert.ok(count > 15 && count < 45, `${count} of 100`)
  })

  it('lets shards rot: they are absent from then on', async () => {
    await using store = new FlakyStore(new MemoryStore(), { random: seededRandom(4), rotting: 1 })
    const shard = sampleShard(seededRandom(5))
    await store.put(shard)
    assert.equal(await store.has(nameOf(shard)), true)
    assert.equal(await store.get(nameOf(shard)), undefined)
    assert.equal(await store.has(nameOf(shard)), false)
  })
})
