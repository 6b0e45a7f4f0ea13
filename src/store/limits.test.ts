import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { FloorStore } from './floor.ts'
import { MemoryStore } from './memory.ts'
import { QuotaStore } from './quota.ts'
import { nameOf, sampleShard } from './sample.ts'
import { storeSuite } from './storeSuite.ts'

const plenty = 1 << 30

storeSuite('QuotaStore', async () => new QuotaStore(new MemoryStore(), { bytesMax: plenty }))
storeSuite('FloorStore', async () => {
  return new FloorStore(new MemoryStore(), { freeBytesMin: 0, freeBytes: async () => plenty })
})

const refusal = { code: 'full', message: /capacity/ }

describe('a quota', () => {
  it('is never passed, even by many who put at once, and says what to do', async () => {
    const random = seededRandom(1)
    await using store = new QuotaStore(new MemoryStore(), { bytesMax: 100_000 })
    const shards = Array.from({ length: 40 }, () => sampleShard(random, { bytes: 5000 }))
    const results = await Promise.allSettled(shards.map((shard) => store.put(shard)))
    const { bytes, shards: kept } = await store.usage()
    assert.ok(bytes <= 100_000 && bytes >= 80_000, `${bytes} bytes`)
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, kept)
    await assert.rejects(store.put(sampleShard(random, { bytes: 50_000 })), refusal)
  })

  it('does not refuse what is there already', async () => {
    const shard = sampleShard(seededRandom(2), { bytes: 5000 })
    await using inner = new MemoryStore()
    await inner.put(shard)
    const store = new QuotaStore(inner, { bytesMax: 5000 })
    assert.equal(await store.put(shard), false)
  })

  it('has room again after something was deleted', async () => {
    const random = seededRandom(3)
    await using store = new QuotaStore(new MemoryStore(), { bytesMax: 6000 })
    const [one, other] = [
      sampleShard(random, { bytes: 5000 }),
      sampleShard(random, { bytes: 5000 }),
    ]
    await store.put(one)
    await assert.rejects(store.put(other), refusal)
    await store.delete(nameOf(one))
    assert.equal(await store.put(other), true)
  })

  it('tells how much room there is: the lesser of its own and the disk’s', async () => {
    await using disk = new FloorStore(new MemoryStore(), {
      freeBytesMin: 1000,
      freeBytes: async () => 5000,
    })
    assert.equal((await disk.usage()).free, 4000)
    assert.equal((await new QuotaStore(disk, { bytesMax: 3000 }).usage()).free, 3000)
    assert.equal((await new QuotaStore(disk, { bytesMax: 9000 }).usage()).free, 4000)
  })
})

describe('the free-space floor', () => {
  it('is left free on the disk, and says what to do', async () => {
    const random = seededRandom(4)
    let free = 100_000
    await using store = new FloorStore(new MemoryStore(), {
      freeBytesMin: 90_000,
      freeBytes: async () => free,
    })
    assert.equal(await store.put(sampleShard(random, { bytes: 5000 })), true)
    free = 94_000
    await assert.rejects(store.put(sampleShard(random, { bytes: 5000 })), {
      code: 'full',
      message: /freeFloor/,
    })
    free = 10_000
    assert.equal((await store.usage()).free, 0)
  })
})
