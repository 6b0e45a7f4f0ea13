import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressOf } from '../address/address.ts'
import type { Clock } from '../base/clock.ts'
import { DreyError, isDreyError } from '../base/error.ts'
import { memoryLog, silentLog, type LogLine } from '../base/log.ts'
import { layoutId, type Layout } from '../coding/layout.ts'
import { handOver, Refusals } from './handOver.ts'
import type { Holder } from './holder.ts'

function layoutOf(k: number, n: number, seed = 0): Layout {
  const block = addressOf('raw', 'blake3', new Uint8Array([seed]))
  return { block, size: 1, k, n, shards: Array.from({ length: n }, () => new Uint8Array(32)) }
}

class Shelf implements Holder {
  readonly member
  /** Shards by the layout they are of. */
  readonly has = new Map<string, Set<number>>()
  refusal: Error | undefined
  sends = 0

  constructor(name: string, zone = '') {
    this.member = {
      id: name,
      role: 'storage',
      name,
      zone,
      capacity: 1,
      free: 1,
      address: '',
    } as const
  }

  put(layout: Layout, ...indexes: number[]): this {
    this.has.set(layoutId(layout), new Set(indexes))
    return this
  }

  async have() {
    return [...this.has].flatMap(([layout, all]) => [...all].map((index) => ({ layout, index })))
  }

  async keep(layout: Layout, index: number): Promise<boolean> {
    this.sends += 1
    if (this.refusal !== undefined) throw this.refusal
    this.put(layout, ...(this.has.get(layoutId(layout)) ?? []), index)
    return true
  }

  async fetch() {
    return { rotted: [] }
  }
}

const shelves = (names: string) => [...names].map((name) => new Shelf(name))
const full = new DreyError('full', 'this node is full')

/** A minute passes when it is told to. */
class HandClock implements Clock {
  time = 0
  now = () => this.time
  sleep = () => Promise.reject(new Error('nobody rests here'))
}

function handed(
  [layout, index]: readonly [Layout, number],
  order: readonly Holder[],
  { refusals = new Refusals(new HandClock()), log = silentLog } = {},
) {
  const signal = AbortSignal.timeout(10_000)
  const parts = { refusals, leases: [], log, signal }
  return handOver({ layout, index, bytes: new Uint8Array(1) }, order, parts)
}

describe('Handing over a shard', () => {
  it('brings it to the first member that has none of its layout', async () => {
    const layout = layoutOf(2, 3)
    const town = shelves('abcd')
    town[0]!.put(layout, 0)
    town[1]!.put(layoutOf(2, 4), 1) // Of another layout: it does not count.

    assert.equal(await handed([layout, 2], town), 'sent')
    assert.deepEqual([...town[1]!.has.get(layoutId(layout))!], [2])
  })

  it('sends nothing that another has', async () => {
    const layout = layoutOf(2, 3)
    const town = shelves('abc')
    town[2]!.put(layout, 1)

    assert.equal(await handed([layout, 1], town), 'there')
    assert.ok(town.every(({ sends }) => sends === 0))
  })

  it('finds it where it went when the first were full, and does not send it there again', async () => {
    const layout = layoutOf(2, 3)
    const town = shelves('abcdef')
    for (const shelf of town.slice(0, 4)) shelf.refusal = full
    const first = new Refusals(new HandClock())

    assert.equal(await handed([layout, 0], town, { refusals: first }), 'sent')
    assert.equal(await handed([layout, 0], town), 'there')
    assert.deepEqual([town[4]!.sends, town[5]!.sends], [1, 0])
  })

  it('keeps as many copies as the layout wants, whichever they are', async () => {
    const layout = layoutOf(1, 3)
    const town = shelves('abcd')
    for (const shelf of town.slice(0, 2)) shelf.put(layout, 0) // One of them replaced another.

    assert.equal(await handed([layout, 0], town), 'sent')
    assert.ok(town[2]!.has.has(layoutId(layout)))
    assert.equal(await handed([layout, 0], town), 'there')
  })

  it('puts no second copy on a member', async () => {
    const layout = layoutOf(1, 3)
    const [a, b] = shelves('ab').map((shelf) => shelf.put(layout, 0))

    assert.equal(await handed([layout, 1], [a!, b!]), 'there', 'everyone has a copy')
    const c = new Shelf('c')
    c.refusal = full
    await assert.rejects(
      handed([layout, 1], [a!, b!, c]),
      /nobody took it \(c: this node is full\)/,
    )
    assert.deepEqual([a!.sends, b!.sends], [0, 0])
  })

  it('puts a shard beside another where there is no other place: where fewest are', async () => {
    const layout = layoutOf(2, 6)
    const [a, b, c] = shelves('abc')
    a!.put(layout, 0, 1)
    b!.put(layout, 2)
    c!.refusal = full

    assert.equal(await handed([layout, 4], [a!, b!, c!]), 'crowded')
    assert.deepEqual([...b!.has.get(layoutId(layout))!], [2, 4])
  })

  it('goes to the zone that has fewest', async () => {
    const layout = layoutOf(2, 4)
    const town = ['north', 'south', 'north', 'south'].map((zone, at) => new Shelf(`n${at}`, zone))
    town[0]!.put(layout, 0)

    assert.equal(await handed([layout, 1], [town[0]!, town[2]!, town[1]!, town[3]!]), 'sent')
    assert.ok(town[1]!.has.has(layoutId(layout)))
  })

  it('asks whoever refused last of all, for a minute, and says so once', async () => {
    const [a, b] = shelves('ab')
    a!.refusal = full
    const clock = new HandClock()
    const lines: LogLine[] = []
    const parts = { refusals: new Refusals(clock), log: memoryLog(lines) }
    for (let block = 0; block < 10; block++) {
      assert.equal(await handed([layoutOf(2, 3, block), 0], [a!, b!], parts), 'sent')
    }
    assert.deepEqual([a!.sends, b!.sends, lines.length], [1, 10, 1])

    a!.refusal = undefined
    clock.time += 61_000
    await handed([layoutOf(2, 3, 10), 0], [a!, b!], parts)
    assert.deepEqual([a!.sends, b!.sends], [2, 10])
  })

  it('still asks whoever refused, when there is nobody else', async () => {
    const [a] = shelves('a')
    a!.refusal = full
    const parts = { refusals: new Refusals(new HandClock()) }
    const refused = handed([layoutOf(2, 3), 0], [a!], parts)
    await assert.rejects(refused, (error) => isDreyError(error, 'not-enough-members'))
    a!.refusal = undefined

    assert.equal(await handed([layoutOf(2, 3), 0], [a!], parts), 'sent')
  })
})
