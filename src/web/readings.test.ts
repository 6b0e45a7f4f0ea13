import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseAddress } from '../address/address.ts'
import { collect } from '../base/bytes.ts'
import { systemClock } from '../base/clock.ts'
import { between, seededRandom } from '../base/random.ts'
import type { OpenBlob } from '../folder/folder.ts'
import { openHouse, type House } from './fixture.ts'
import { Readings, type Reader } from './readings.ts'

const segment = 1 << 20
const film = seededRandom(8).bytes(5 * segment + 99)
const whole = { start: 0, end: film.length }

/** A house, and how to open its film for another reader. */
async function cinema() {
  const house = await openHouse()
  const { address } = await house.put(film)
  const readings = new Readings({ node: house.neighbour.node, clock: systemClock })
  const open = (signal = new AbortController().signal, reader: Reader = 'trusted') =>
    readings.finder(reader, signal)(parseAddress(address))
  return { house, readings, open, [Symbol.asyncDispose]: () => house[Symbol.asyncDispose]() }
}

/** Takes one piece, and no more. */
async function begin(blob: OpenBlob): Promise<AsyncIterator<Uint8Array>> {
  const reading = blob.read(whole)[Symbol.asyncIterator]()
  await reading.next()
  return reading
}

/** Resolves when nothing of the pool is in use: a reader that is late has lost its turn. */
async function pooled({ neighbour }: House): Promise<void> {
  while (neighbour.pool.inUse > 0) await systemClock.sleep(5)
}

describe('Readers of a node', () => {
  it('each have exactly what they asked for, however many there are', async () => {
    await using here = await cinema()
    const random = seededRandom(3)
    const readers = Array.from({ length: 200 }, async () => {
      const start = between(random, 0, film.length)
      const end = between(random, start, film.length) + 1
      const blob = await here.open()
      assert.ok(
        Buffer.from(film.subarray(start, end)).equals(await collect(blob.read({ start, end }))),
      )
    })
    await Promise.all(readers)
    assert.equal(here.readings.readers, 0)
    assert.equal(here.house.neighbour.pool.inUse, 0)
  })

  it('that do not take what they are given hold nothing of the pool, and have the rest when they do', async () => {
    await using here = await cinema()
    const pieces: Uint8Array[] = []
    for await (const piece of (await here.open()).read(whole)) {
      const copy = Buffer.from(piece)
      if (pieces.length % 7 === 0) await pooled(here.house)
      assert.deepEqual(
        Buffer.from(piece),
        copy,
        'a piece is its reader’s, whatever becomes of the pool',
      )
      pieces.push(copy)
    }
    assert.ok(Buffer.concat(pieces).equals(film))
  })

  it('do not keep others waiting when they are slow', async () => {
    await using here = await cinema()
    const slow = await Promise.all(Array.from({ length: 50 }, async () => begin(await here.open())))
    const quick = await collect((await here.open()).read(whole))
    assert.equal(quick.length, film.length)
    for (const reading of slow) await reading.return!()
    assert.equal(here.readings.readers, 0)
  })

  it('with a link alone keep nobody waiting who has the token', async () => {
    await using here = await cinema()
    const { node } = here.house.neighbour
    const find = node.find.bind(node)
    const leaving = new AbortController()
    const never = Promise.withResolvers<never>()
    node.find = async (address, key, options) =>
      options?.signal === leaving.signal ? never.promise : find(address, key, options)
    const strangers = Array.from({ length: 10 }, () => here.open(leaving.signal, 'stranger'))
    assert.equal((await collect((await here.open()).read(whole))).length, film.length)
    leaving.abort(new Error('enough'))
    never.reject(leaving.signal.reason)
    for (const stranger of await Promise.allSettled(strangers)) {
      assert.equal(stranger.status, 'rejected')
    }
  })

  it('that go leave nothing behind', async () => {
    await using here = await cinema()
    const leaving = new AbortController()
    const reading = await begin(await here.open(leaving.signal))
    leaving.abort(new Error('enough'))
    await assert.rejects(async () => {
      for (;;) if ((await reading.next()).done) return
    }, /enough/)
    assert.equal(here.house.neighbour.pool.inUse, 0)
    assert.equal((await collect((await here.open()).read(whole))).length, film.length)
  })
})
