import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { digestOf, type HashName } from '../address/hash.ts'
import { blake3 } from '../address/blake3.ts'
import { concat, equalBytes, toHex } from '../base/bytes.ts'
import { seededRandom } from '../base/random.ts'
import { shardBytesOf, type Code } from '../coding/code.ts'
import { range } from '../coding/matrix.ts'
import { cryptInPlace } from '../crypto/ctr.ts'
import { contentKey } from '../crypto/keys.ts'
import { InlineCrew, WorkerCrew, type Crew } from './crew.ts'
import type { Opened } from './jobs.ts'
import { blockBytesMax, Pool, type Slot } from './pool.ts'

const secret = seededRandom(1).bytes(32)
/** One byte, less than a vector, one more than a small block may have, and around a segment. */
const sizes = [1, 15, 65537, blockBytesMax - 1, blockBytesMax]
const garbage = 0xee

/** A block as it left the pipe, and what there is to get it back from. */
interface Made extends Code {
  readonly plaintext: Uint8Array
  readonly block: Uint8Array
  readonly shards: Uint8Array[]
  readonly hash: HashName
  readonly digest: Uint8Array
  readonly key?: Uint8Array
  readonly hashes: Uint8Array
}

interface Wish extends Code {
  readonly size: number
  readonly hash?: HashName
  readonly secret?: Uint8Array
}

const crews: Record<string, (pool: Pool) => Crew> = {
  'on the calling thread': (pool) => new InlineCrew(pool),
  'in worker threads': (pool) => new WorkerCrew(pool, { threads: 2 }),
}

/** A slot with garbage wherever a block of 4 of 6, or its parity, may stand. */
async function usedSlot(pool: Pool): Promise<Slot> {
  const slot = await pool.lane().take()
  slot.data(slot.parityAt - slot.dataAt + blockBytesMax).fill(garbage)
  return slot
}

async function make(crew: Crew, pool: Pool, wish: Wish): Promise<Made> {
  const { size, k, n, hash = 'blake3' } = wish
  const slot = await usedSlot(pool)
  const plaintext = seededRandom(size).bytes(size)
  slot.data(size).set(plaintext)
  const { dataAt, parityAt } = slot
  const sealed = await crew.seal({ type: 'seal', dataAt, parityAt, ...wish, hash })
  const shardBytes = shardBytesOf(wish, size)
  const shards = range(n).map((index) => slot.shard(index, k, shardBytes).slice())
  const block = slot.data(size).slice()
  slot.release()
  const { digest, key, shards: hashes } = sealed
  return { k, n, plaintext, block, shards, hash, digest, key, hashes }
}

/** Opens a block from some of its shards, in a slot that held other things before. */
async function open(
  crew: Crew,
  pool: Pool,
  made: Made,
  present: readonly number[],
): Promise<Opened & { bytes: Uint8Array }> {
  const { k, n, hash, digest, key, hashes } = made
  const size = made.block.length
  const slot = await usedSlot(pool)
  for (const index of present) {
    slot.shard(index, k, shardBytesOf(made, size)).set(made.shards[index]!)
  }
  const { dataAt, parityAt } = slot
  const job = { dataAt, parityAt, size, k, n, hash, digest, shards: hashes, present, key }
  const opened = await crew.open({ type: 'open', ...job })
  const bytes = slot.data(size).slice()
  slot.release()
  return { ...opened, bytes }
}

function flipped(shards: readonly Uint8Array[], index: number): Uint8Array[] {
  const other = shards.map((shard) => shard.slice())
  other[index]![0]! ^= 1
  return other
}

function hashesOf(shards: readonly Uint8Array[]): Uint8Array {
  return concat(shards.map((shard) => blake3.hash(shard)))
}

const fourOfSix = { k: 4, n: 6 }
const choicesOfFour = range(64)
  .map((bits) => range(6).filter((index) => bits & (1 << index)))
  .filter((kept) => kept.length === 4)

for (const [where, newCrew] of Object.entries(crews)) {
  describe(`the pipe, ${where}`, () => {
    const pool = new Pool()
    const crew = newCrew(pool)
    after(() => crew[Symbol.asyncDispose]())

    it('seals under a key of the content, addresses the block and codes it', async () => {
      for (const size of sizes) {
        const made = await make(crew, pool, { ...fourOfSix, size, secret })
        const key = contentKey(secret, made.plaintext)
        assert.equal(toHex(made.key!), toHex(key))
        const block = made.plaintext.slice()
        cryptInPlace(key, 0, block)
        assert.ok(equalBytes(made.block, block))
        assert.equal(toHex(made.digest), toHex(blake3.hash(block)))
        assert.equal(toHex(made.hashes), toHex(hashesOf(made.shards)))
        const data = concat(made.shards.slice(0, 4))
        assert.ok(equalBytes(data.subarray(0, size), block))
        assert.ok(data.subarray(size).every((byte) => byte === 0))
      }
    })

    it('gives the plaintext back from any k shards', async () => {
      for (const size of sizes) {
        const made = await make(crew, pool, { ...fourOfSix, size, secret })
        for (const present of choicesOfFour) {
          const { ok, wrong, bytes } = await open(crew, pool, made, present)
          assert.ok(ok, `${size} bytes from ${present}`)
          assert.deepEqual(wrong, [])
          assert.ok(equalBytes(bytes, made.plaintext), `${size} bytes from ${present}`)
        }
      }
    })

    it('gives the plaintext back from copies, whichever came', async () => {
      for (const size of sizes) {
        const made = await make(crew, pool, { k: 1, n: 3, size, secret })
        assert.equal(toHex(made.hashes), toHex(blake3.hash(made.block)).repeat(3))
        for (const present of [[0], [2], [0, 1, 2]]) {
          const { ok, bytes } = await open(crew, pool, made, present)
          assert.ok(ok)
          assert.ok(equalBytes(bytes, made.plaintext))
        }
      }
    })

    for (const hash of ['blake3', 'sha2-256', 'sha1'] as const) {
      it(`addresses blocks by ${hash}, and their shards always by blake3`, async () => {
        for (const code of [fourOfSix, { k: 1, n: 2 }]) {
          const made = await make(crew, pool, { ...code, size: 1000, hash, secret })
          assert.equal(toHex(made.digest), toHex(digestOf(hash, made.block)))
          assert.equal(toHex(made.hashes), toHex(hashesOf(made.shards)))
          const { ok, bytes } = await open(crew, pool, made, range(code.n).slice(-code.k))
          assert.ok(ok)
          assert.ok(equalBytes(bytes, made.plaintext))
        }
      })
    }

    it('leaves a block as it is when there is no key', async () => {
      const made = await make(crew, pool, { ...fourOfSix, size: 70000 })
      assert.equal(made.key, undefined)
      assert.ok(equalBytes(made.block, made.plaintext))
      const { ok, bytes } = await open(crew, pool, made, [0, 2, 4, 5])
      assert.ok(ok)
      assert.ok(equalBytes(bytes, made.block))
    })

    it('names the shard that is wrong, and leaves the others for another try', async () => {
      const made = await make(crew, pool, { ...fourOfSix, size: 70001, secret })
      for (const index of range(6)) {
        const received = { ...made, shards: flipped(made.shards, index) }
        for (const present of choicesOfFour.filter((kept) => kept.includes(index))) {
          const { ok, wrong } = await open(crew, pool, received, present)
          assert.equal(ok, false)
          assert.deepEqual(wrong, [index])
        }
      }
    })

    it('names every wrong shard at once, and a wrong copy', async () => {
      const made = await make(crew, pool, { ...fourOfSix, size: 1000, secret })
      const received = { ...made, shards: flipped(flipped(made.shards, 5), 1) }
      assert.deepEqual((await open(crew, pool, received, [0, 1, 2, 5])).wrong, [1, 5])
      const copies = await make(crew, pool, { k: 1, n: 3, size: 1000, secret })
      const wrongCopy = { ...copies, shards: flipped(copies.shards, 2) }
      assert.deepEqual((await open(crew, pool, wrongCopy, [2])).wrong, [2])
    })

    it('names no shard when the layout itself lies', async () => {
      const made = await make(crew, pool, { ...fourOfSix, size: 70001, secret })
      const shards = flipped(made.shards, 1)
      const lying = { ...made, shards, hashes: hashesOf(shards) }
      const opened = await open(crew, pool, lying, [1, 2, 3, 4])
      assert.equal(opened.ok, false)
      assert.deepEqual(opened.wrong, [])
    })

    it('does not blame a holder whose shard ends as a lying layout says', async () => {
      const made = await make(crew, pool, { ...fourOfSix, size: 70001, secret })
      const shards = made.shards.map((shard) => shard.slice())
      shards[3]!.fill(1, -3) // Of zeros that fill the last data shard up.
      const lying = { ...made, shards, hashes: hashesOf(shards) }
      const opened = await open(crew, pool, lying, [1, 2, 3, 4])
      assert.equal(opened.ok, false)
      assert.deepEqual(opened.wrong, [])
    })

    it('fails when there are fewer than k shards, and works on', async () => {
      const made = await make(crew, pool, { ...fourOfSix, size: 1000, secret })
      await assert.rejects(open(crew, pool, made, [0, 1, 5]), /needed 4 shards, found 3/)
      assert.ok((await open(crew, pool, made, [0, 1, 2, 5])).ok)
    })
  })
}
