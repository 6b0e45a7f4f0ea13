import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatAddress } from '../address/address.ts'
import { blake3 } from '../address/blake3.ts'
import { free } from '../base/bytes.ts'
import { isDreyError } from '../base/error.ts'
import { seededRandom, type Random } from '../base/random.ts'
import { nameOf, sampleShard } from './sample.ts'
import { formatShardName, subfolderOf, subfolders } from './shardName.ts'
import type { Shard, ShardName, Store } from './store.ts'

/** What every keeper of shards promises. `open` gives an empty one. */
export function storeSuite(keeper: string, open: () => Promise<Store>): void {
  const promises = (
    sentence: string,
    check: (store: Store, random: Random) => Promise<void>,
  ): void => {
    it(sentence, async () => {
      await using store = await open()
      await check(store, seededRandom(1))
    })
  }

  describe(`${keeper} keeps the promise of a store`, () => {
    promises('gives a shard back, with its layout and its bytes', async (store, random) => {
      const shard = sampleShard(random)
      assert.equal(await store.put(shard), true)
      assert.deepEqual(await store.get(nameOf(shard)), shard)
    })

    promises('keeps a shard once, and says that it was there', async (store, random) => {
      const shard = sampleShard(random)
      assert.equal(await store.put(shard), true)
      assert.equal(await store.put(shard), false)
      assert.equal((await store.usage()).shards, 1)
    })

    promises('tells one of those who put the same shard at once that it was new', async (store) => {
      const shard = sampleShard(seededRandom(7))
      const news = await Promise.all(Array.from({ length: 8 }, () => store.put(shard)))
      assert.equal(news.filter((isNew) => isNew).length, 1)
      assert.equal((await store.usage()).shards, 1)
      assert.deepEqual(await store.get(nameOf(shard)), shard)
    })

    promises('keeps shards of every size from one byte', async (store, random) => {
      // One byte; around what a first read of a file takes; a large one with an odd length.
      for (const bytes of [1, 2, 900, 1023, 1024, 1025, 70_001]) {
        const shard = sampleShard(random, { bytes })
        await store.put(shard)
        assert.deepEqual(await store.get(nameOf(shard)), shard)
      }
    })

    promises('keeps a shard whose layout has the most shards there are', async (store, random) => {
      const shard = sampleShard(random, { k: 64, n: 256, index: 255 })
      await store.put(shard)
      assert.deepEqual(await store.get(nameOf(shard)), shard)
    })

    promises(
      'takes bytes that threads share, and that are a part of something larger',
      async (store) => {
        const { layout, index, bytes } = sampleShard(seededRandom(3))
        const shared = new Uint8Array(new SharedArrayBuffer(5000), 123, bytes.length)
        shared.set(bytes)
        await store.put({ layout, index, bytes: shared })
        shared.fill(0)
        assert.deepEqual(await store.get(nameOf({ layout, index, bytes })), {
          layout,
          index,
          bytes,
        })
      },
    )

    promises('gives memory that its reader may free', async (store, random) => {
      const shard = sampleShard(random)
      await store.put(shard)
      free((await store.get(nameOf(shard)))!.bytes)
      assert.deepEqual((await store.get(nameOf(shard)))!.bytes, shard.bytes)
    })

    promises('refuses bytes that do not match their layout, and keeps nothing', async (store) => {
      const { layout, index, bytes } = sampleShard(seededRandom(4))
      const corrupt = (error: unknown) => isDreyError(error, 'corrupt')
      for (const wrong of [
        { layout, index, bytes: bytes.with(0, bytes[0]! ^ 1) },
        { layout, index, bytes: bytes.subarray(1) },
        { layout, index: index + 1, bytes },
        { layout, index: layout.n, bytes },
      ]) {
        await assert.rejects(store.put(wrong), corrupt)
      }
      assert.deepEqual(await store.shardsOf(layout.block), [])
      assert.equal((await store.usage()).shards, 0)
    })

    promises('answers absence for what it does not have', async (store, random) => {
      const name = nameOf(sampleShard(random))
      assert.equal(await store.get(name), undefined)
      assert.equal(await store.has(name), false)
      assert.equal(await store.delete(name), false)
      assert.deepEqual(await store.shardsOf(name.block), [])
    })

    promises('refuses names that no shard can have', async (store, random) => {
      const name = nameOf(sampleShard(random))
      const badInput = (error: unknown) => isDreyError(error, 'bad-input')
      await assert.rejects(store.get({ ...name, layout: '../../../etc/passwd' }), badInput)
      await assert.rejects(store.delete({ ...name, index: -1 }), badInput)
      await assert.rejects(store.has({ ...name, index: 0.5 }), badInput)
    })

    promises('tells apart the shards of a block, under all its layouts', async (store, random) => {
      const one = sampleShard(random)
      const other = sampleShard(random, { n: 5, index: 4 })
      const sameBlock: Shard = { ...other, layout: { ...other.layout, block: one.layout.block } }
      const stranger = sampleShard(random)
      for (const shard of [one, sameBlock, stranger]) await store.put(shard)
      const found = await store.shardsOf(one.layout.block)
      assert.deepEqual(texts(found), texts([nameOf(one), nameOf(sameBlock)]))
    })

    promises('lists everything it keeps', async (store, random) => {
      const shards = Array.from({ length: 20 }, () => sampleShard(random))
      await Promise.all(shards.map((shard) => store.put(shard)))
      const listed = await Array.fromAsync(store.list())
      assert.deepEqual(texts(listed), texts(shards.map(nameOf)))
    })

    promises('lists the shards of a block one after another', async (store, random) => {
      const layouts = Array.from({ length: 20 }, () => sampleShard(random, { n: 5, k: 1 }).layout)
      const bytes = random.bytes(40)
      for (const index of [4, 0, 2]) {
        for (const { block } of layouts) {
          const shards = Array.from({ length: 5 }, () => blake3.hash(bytes))
          await store.put({ layout: { block, size: 40, k: 1, n: 5, shards }, index, bytes })
        }
      }
      const listed = await Array.fromAsync(store.list(), ({ block }) => formatAddress(block))
      assert.equal(listed.length, 60)
      const begun = listed.filter((block, at) => block !== listed[at - 1])
      assert.equal(new Set(begun).size, begun.length)
    })

    promises('lists its subfolders, each shard in the one of its block', async (store, random) => {
      const shards = Array.from({ length: 20 }, () => sampleShard(random))
      await Promise.all(shards.map((shard) => store.put(shard)))
      const listed: ShardName[] = []
      for (const subfolder of subfolders) {
        for await (const name of store.list({ subfolder })) {
          assert.equal(subfolderOf(formatAddress(name.block)), subfolder)
          listed.push(name)
        }
      }
      assert.deepEqual(listed, await Array.fromAsync(store.list()))
    })

    promises('forgets what is deleted, and takes it again', async (store, random) => {
      const shard = sampleShard(random)
      await store.put(shard)
      assert.equal(await store.delete(nameOf(shard)), true)
      assert.equal(await store.has(nameOf(shard)), false)
      assert.equal(await store.get(nameOf(shard)), undefined)
      assert.equal(await store.put(shard), true)
      assert.equal(await store.has(nameOf(shard)), true)
    })

    promises('counts what comes and goes', async (store, random) => {
      const empty = await store.usage()
      assert.deepEqual([empty.shards, empty.bytes], [0, 0])
      const shards = Array.from({ length: 5 }, () => sampleShard(random, { bytes: 5000 }))
      await Promise.all(shards.map((shard) => store.put(shard)))
      const { shards: count, bytes } = await store.usage()
      assert.equal(count, 5)
      assert.ok(bytes >= 25_000 && bytes <= 25_000 + 5 * 1000, `${bytes} bytes`)
      await Promise.all(shards.map((shard) => store.delete(nameOf(shard))))
      const after = await store.usage()
      assert.deepEqual([after.shards, after.bytes], [0, 0])
    })

    promises('does what nobody waits for any more only if it has begun', async (store, random) => {
      const shard = sampleShard(random)
      const reason = new Error('no longer wanted')
      const signal = AbortSignal.abort(reason)
      await assert.rejects(store.put(shard, { signal }), reason)
      await assert.rejects(store.get(nameOf(shard), { signal }), reason)
      assert.equal(await store.has(nameOf(shard)), false)
    })
  })
}

function texts(names: readonly ShardName[]): string[] {
  for (const name of names) assert.ok(formatAddress(name.block))
  return names.map(formatShardName).sort()
}
