import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkCode, limits, shardBytesOf } from '../coding/code.ts'
import { isDreyError } from '../base/error.ts'
import { range } from '../coding/matrix.ts'
import { scratchBytes } from '../coding/kernel.ts'
import { blockBytesMax, Pool, scratchAt, type Lane, type Slot } from './pool.ts'

/** Which wishes are granted once everything that could happen has happened. */
async function isGranted(...wishes: readonly Promise<Slot>[]): Promise<boolean[]> {
  const granted = wishes.map(() => false)
  wishes.forEach((wish, at) => void wish.then(() => (granted[at] = true)))
  await new Promise((resolve) => setImmediate(resolve))
  return granted
}

function takeAll(lane: Lane, count: number): Promise<Slot[]> {
  return Promise.all(range(count).map(() => lane.take()))
}

describe('a pool', () => {
  it('grants as many slots as it has, and the next when one is given back', async () => {
    const pool = new Pool({ slots: 3 })
    const lane = pool.lane()
    const slots = await takeAll(lane, 3)
    const fourth = lane.take()
    assert.deepEqual(await isGranted(fourth), [false])
    assert.equal(pool.inUse, 3)
    slots[1]!.release()
    assert.deepEqual(await isGranted(fourth), [true])
    assert.equal(pool.inUse, 3)
  })

  it('gives a slot with what is in it to whoever wants that, until it is used for something else', async () => {
    const pool = new Pool({ slots: 2 })
    const lane = pool.lane()
    const [one, two] = (await takeAll(lane, 2)) as [Slot, Slot]
    one.data(3).set([1, 2, 3])
    one.release('acorns')
    two.release()
    const other = await lane.take(undefined, { holds: 'nuts' })
    assert.equal(other.isThere, false)
    const again = await lane.take(undefined, { holds: 'acorns' })
    assert.equal(again.isThere, true)
    assert.deepEqual([...again.data(3)], [1, 2, 3])
    again.release()
    assert.equal((await lane.take(undefined, { holds: 'acorns' })).isThere, false)
  })

  it('uses slots anew before it touches memory that was never used', async () => {
    const pool = new Pool({ slots: 2 })
    const lane = pool.lane()
    const first = await takeAll(lane, 2)
    const places = first.map(({ dataAt }) => dataAt).toSorted((a, b) => a - b)
    first[0]!.release('acorns')
    first[1]!.release('nuts')
    const second = await takeAll(lane, 2)
    const taken = second.map(({ dataAt }) => dataAt)
    assert.deepEqual(
      taken.toSorted((a, b) => a - b),
      places,
    )
  })

  it('keeps small things out of memory that was touched by large ones, as long as there is other', async () => {
    const pool = new Pool()
    const lane = pool.lane()
    const [large, small] = await Promise.all([lane.take(), lane.take(undefined, { bytes: 9 })])
    const places = [large.dataAt, small.dataAt]
    for (const slot of [small, large]) slot.release()
    const again = await Promise.all([lane.take(undefined, { bytes: 9 }), lane.take()])
    assert.deepEqual(
      again.map(({ dataAt }) => dataAt),
      places.toReversed(),
    )
  })

  it('grants a lane its first slot at once, whatever others hold and wait for', async () => {
    const pool = new Pool({ slots: 2 })
    const greedy = pool.lane()
    await takeAll(greedy, 2)
    const more = greedy.take()
    const lanes = range(20).map(() => pool.lane())
    const firsts = lanes.map((lane) => lane.take())
    assert.ok((await isGranted(...firsts)).every(Boolean))
    assert.deepEqual(await isGranted(more), [false])
    assert.equal(pool.inUse, 22)
  })

  it('has quiet work wait for its first slot too, and in turn', async () => {
    const pool = new Pool({ slots: 2 })
    const [put, quiet] = [pool.lane(), pool.quietLane()]
    const [first] = await takeAll(put, 2)
    const [turn, later] = [quiet.take(), put.take()]

    assert.deepEqual(await isGranted(turn, later), [false, false])
    first!.release()

    assert.deepEqual(await isGranted(turn, later), [true, false])
    assert.equal(pool.inUse, 2)
  })

  it('grants a first slot again to a lane that has given all of its own back', async () => {
    const pool = new Pool({ slots: 1 })
    const lane = pool.lane()
    const slot = await lane.take()
    await pool.lane().take()
    slot.release()
    assert.deepEqual(await isGranted(lane.take()), [true])
  })

  it('grants further slots in the order in which they were asked for', async () => {
    const pool = new Pool({ slots: 4 })
    const [one, other] = [pool.lane(), pool.lane()]
    const held = [...(await takeAll(one, 2)), ...(await takeAll(other, 2))]
    const wishes = [other.take(), one.take(), other.take()]
    held[0]!.release()
    assert.deepEqual(await isGranted(...wishes), [true, false, false])
    held[2]!.release()
    assert.deepEqual(await isGranted(...wishes), [true, true, false])
    held[3]!.release()
    assert.deepEqual(await isGranted(...wishes), [true, true, true])
  })

  it('grants a lane what it may have alone, and no more than the others when it is not', async () => {
    const pool = new Pool({ slots: 2 })
    const lane = pool.lane(() => 3)
    const slots = await takeAll(lane, 3)
    const [fourth, other] = [lane.take(), pool.lane()]
    assert.deepEqual(await isGranted(fourth), [false])
    const guest = await other.take()
    slots[0]!.release()
    assert.deepEqual(await isGranted(fourth), [false])
    guest.release()
    assert.deepEqual(await isGranted(fourth), [true])
  })

  it('lends more than its slots only until they come back', async () => {
    const pool = new Pool({ slots: 1 })
    const [one, other] = [pool.lane(), pool.lane()]
    const [first, second] = [await one.take(), await other.take()]
    const more = one.take()
    second.release()
    assert.deepEqual(await isGranted(more), [false])
    first.release()
    assert.deepEqual(await isGranted(more), [true])
  })

  it('lets first slots wait too when all of its memory is lent', async () => {
    const pool = new Pool()
    const slots = await Promise.all(range(64).map(() => pool.lane().take()))
    const late = pool.lane().take()
    assert.deepEqual(await isGranted(late), [false])
    slots[17]!.release()
    assert.equal((await late).dataAt, slots[17]!.dataAt)
  })

  it('gives the memory that was used last, because it is warm', async () => {
    const pool = new Pool()
    const lane = pool.lane()
    const [, second] = await takeAll(lane, 2)
    second!.release()
    assert.equal((await lane.take()).dataAt, second!.dataAt)
  })
})

describe('waiting for a slot', () => {
  it('ends with the reason when it is aborted, and takes nothing', async () => {
    const pool = new Pool({ slots: 1 })
    const lane = pool.lane()
    const slot = await lane.take()
    const controller = new AbortController()
    const abandoned = lane.take(controller.signal)
    const patient = lane.take()
    const reason = new Error('the reader left')
    controller.abort(reason)
    await assert.rejects(abandoned, (error) => error === reason)
    slot.release()
    assert.deepEqual(await isGranted(patient), [true])
    assert.equal(pool.inUse, 1)
  })

  it('does not begin when it was aborted before', async () => {
    const pool = new Pool()
    await assert.rejects(pool.lane().take(AbortSignal.abort()), { name: 'AbortError' })
    assert.equal(pool.inUse, 0)
  })

  it('is not undone by an abort after the slot was granted', async () => {
    const pool = new Pool()
    const controller = new AbortController()
    const wish = pool.lane().take(controller.signal)
    controller.abort()
    const slot = await wish
    assert.equal(pool.inUse, 1)
    slot.release()
    assert.equal(pool.inUse, 0)
  })
})

describe('a slot', () => {
  it('may be released twice: the second time another may have it already', async () => {
    const pool = new Pool({ slots: 1 })
    const lane = pool.lane()
    const first = await lane.take()
    first.release()
    const second = await lane.take()
    first.release()
    assert.equal(pool.inUse, 1)
    assert.deepEqual(await isGranted(lane.take()), [false])
    assert.equal(second.dataAt, first.dataAt)
  })

  it('has room for the largest block and its parity under every code', async () => {
    const pool = new Pool()
    const starts = (await takeAll(pool.lane(), 2)).map(({ dataAt }) => dataAt)
    const slotBytes = Math.abs(starts[1]! - starts[0]!)
    const { dataAt, parityAt } = await pool.lane().take()
    for (let k = 1; k <= limits.shardsMax; k++) {
      for (let n = k; n <= limits.shardsMax; n++) {
        if (!isUsable(k, n)) continue
        const shardBytes = shardBytesOf({ k, n }, blockBytesMax)
        assert.ok(dataAt + k * shardBytes <= parityAt, `the data of ${k} of ${n}`)
        if (k === 1) continue // Copies have no parity.
        const parityEnd = parityAt + (n - k) * shardBytes
        assert.ok(parityEnd <= dataAt + slotBytes, `the parity of ${k} of ${n}`)
      }
    }
  })

  it('that was for little takes what is in it along to memory that was touched already', async () => {
    const pool = new Pool()
    const lane = pool.lane()
    const large = await lane.take()
    const slot = await lane.take(undefined, { bytes: 9 })
    const [was, warm] = [slot.dataAt, large.dataAt]
    slot.data(3).set([1, 2, 3])
    large.release()

    slot.enlarge(3)

    assert.equal(slot.dataAt, warm)
    assert.deepEqual([...slot.data(3)], [1, 2, 3])
    const next = await lane.take(undefined, { bytes: 9 })
    assert.equal(next.dataAt, was)
    next.enlarge(0)
    assert.equal(next.dataAt, was, 'nothing else is there')
    for (const each of [slot, next]) each.release()
    assert.equal(pool.inUse, 0)
  })

  it('shows a block and its shards where they stand', async () => {
    const slot = await new Pool().lane().take()
    slot.data(10).set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert.deepEqual([...slot.shard(1, 2, 5)], [5, 6, 7, 8, 9])
    assert.deepEqual([...slot.shard(3, 1, 10)], [...slot.data(10)])
    assert.equal(slot.shard(2, 2, 5).byteOffset, slot.parityAt)
    assert.equal(slot.shard(3, 2, 5).byteOffset, slot.parityAt + 5)
  })
})

describe('the scratch areas of threads', () => {
  it('stand in front of all slots, none over another', async () => {
    const pool = new Pool()
    const slots = await Promise.all(range(64).map(() => pool.lane().take()))
    const first = Math.min(...slots.map(({ dataAt }) => dataAt))
    assert.ok(scratchAt(15) + scratchBytes <= first)
    for (const thread of range(15)) {
      assert.ok(scratchAt(thread) + scratchBytes <= scratchAt(thread + 1))
    }
    assert.throws(() => scratchAt(16), { name: 'AssertionError' })
  })
})

function isUsable(k: number, n: number): boolean {
  try {
    checkCode({ k, n })
    return true
  } catch (error) {
    if (isDreyError(error, 'bad-input')) return false
    throw error
  }
}
