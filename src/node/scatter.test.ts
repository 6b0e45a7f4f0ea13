import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressOf } from '../address/address.ts'
import { DreyError, isDreyError } from '../base/error.ts'
import { silentLog } from '../base/log.ts'
import type { Code } from '../coding/code.ts'
import { layoutId, type Layout } from '../coding/layout.ts'
import type { Holder } from './holder.ts'
import type { Member } from './member.ts'
import { scatter, type Scattered } from './scatter.ts'

const size = 100_000
const block = addressOf('raw', 'blake3', new Uint8Array(size))

function layoutOf({ k, n }: Code): Layout {
  return { block, size, k, n, shards: Array.from({ length: n }, () => new Uint8Array(32)) }
}

interface Shelf {
  /** Which shards are there. */
  readonly has: Set<number>
  readonly holder: Holder
  zone: string
  /** What it does when it is sent a shard. */
  refuse: (() => void) | undefined
}

/** Members that keep what they are sent, and have these shards before. */
function shelves(layout: Layout, ...before: number[][]): Shelf[] {
  return before.map((indexes, at) => {
    const name = `n${at}`
    const has = new Set(indexes)
    const shelf: Shelf = {
      has,
      zone: '',
      refuse: undefined,
      holder: {
        get member(): Member {
          const { zone } = shelf
          return { id: name, role: 'storage', name, zone, capacity: 1, free: 1, address: '' }
        },
        have: async () => [...has].map((index) => ({ layout: layoutId(layout), index })),
        keep: async (_layout, index) => {
          shelf.refuse?.()
          return !has.has(index) && has.add(index).has(index)
        },
        fetch: async () => ({ rotted: [] }),
      },
    }
    return shelf
  })
}

function scattered(layout: Layout, town: readonly Shelf[]): Promise<Scattered> {
  const order = town.map(({ holder }) => holder)
  const signal = AbortSignal.timeout(10_000)
  return scatter(layout, () => new Uint8Array(1), order, { leases: [], log: silentLog, signal })
}

const throwing = (error: Error) => () => {
  throw error
}

describe('Scattering a block', () => {
  it('brings one shard to each member, in their order', async () => {
    const layout = layoutOf({ k: 4, n: 6 })
    const town = shelves(layout, [], [], [], [], [], [], [])

    assert.deepEqual(await scattered(layout, town), { members: 6, survives: 2, sent: 6 })
    assert.deepEqual(
      town.map(({ has }) => [...has]),
      [[0], [1], [2], [3], [4], [5], []],
    )
  })

  it('sends only what is missing', async () => {
    const layout = layoutOf({ k: 2, n: 3 })
    const town = shelves(layout, [2], [], [0])

    assert.deepEqual(await scattered(layout, town), { members: 3, survives: 1, sent: 1 })
    assert.deepEqual([...town[1]!.has], [1])
  })

  it('does not count the same shard twice: two who have it are worth one', async () => {
    const layout = layoutOf({ k: 2, n: 3 })
    const town = shelves(layout, [0], [0], [1]) // A slow member was replaced, and had kept it after all.
    const { survives, members } = await scattered(layout, town)

    assert.equal(members, 3)
    // Shard 2 stands beside another: with that member gone two different ones are left, no more.
    assert.equal(survives, 1)
    assert.deepEqual(new Set(town.flatMap(({ has }) => [...has])), new Set([0, 1, 2]))
  })

  it('does not promise more losses than different shards survive', async () => {
    const layout = layoutOf({ k: 4, n: 6 })
    const town = shelves(layout, [3], [0], [3], [1], [2], [4], []) // The last one gets shard 5.
    const { survives, members } = await scattered(layout, town)

    assert.equal(members, 7)
    assert.equal(survives, 2, 'seven members have shards, and six of them are different')
  })

  it('replaces a member that has a shard and is gone when it is sent another', async () => {
    const layout = layoutOf({ k: 2, n: 4 })
    const town = shelves(layout, [0], [], []) // One of three has to take two shards.
    let sends = 0
    for (const shelf of town.slice(1)) shelf.refuse = () => void (sends += 1)
    town[0]!.refuse = throwing(new DreyError('unreachable', 'the connection is gone'))
    const { members, survives } = await scattered(layout, town)

    assert.deepEqual([members, survives], [2, 1], 'what went with it is on the others')
    const others = town.slice(1).flatMap(({ has }) => [...has])
    assert.deepEqual(new Set(others), new Set([0, 1, 2, 3]))
    assert.equal(sends, 4)
  })

  it('still counts what a member has that is too full for more', async () => {
    const layout = layoutOf({ k: 2, n: 4 })
    const town = shelves(layout, [0], [], [])
    town[0]!.refuse = throwing(new DreyError('full', 'this node is full'))

    assert.deepEqual(await scattered(layout, town), { members: 3, survives: 1, sent: 3 })
  })

  it('counts copies by the members that have one', async () => {
    const layout = layoutOf({ k: 1, n: 3 })
    const town = shelves(layout, [0], [0], [], [])

    assert.deepEqual(await scattered(layout, town), { members: 3, survives: 2, sent: 1 })
  })

  it('spreads over zones as evenly as over members when there are fewer members than shards', async () => {
    const layout = layoutOf({ k: 2, n: 4 })
    const town = shelves(layout, [], [], [])
    town.forEach((shelf, at) => (shelf.zone = ['north', 'south', 'north'][at]!))
    await scattered(layout, town)

    assert.deepEqual(
      town.map(({ has }) => has.size),
      [1, 2, 1],
      'either house may burn down',
    )
  })

  it('replaces a member by one of its zone, so that no other zone has two shards', async () => {
    const layout = layoutOf({ k: 2, n: 3 })
    const town = shelves(layout, [], [], [], [], [])
    town.forEach((shelf, at) => (shelf.zone = ['north', 'south', 'attic', 'north', 'south'][at]!))
    town[1]!.refuse = throwing(new DreyError('full', 'this node is full'))
    await scattered(layout, town)

    assert.deepEqual(
      town.map(({ has }) => has.size),
      [1, 0, 1, 0, 1],
    )
  })

  it('fails with what it takes when no loss would be survived', async () => {
    const layout = layoutOf({ k: 2, n: 3 })
    const town = shelves(layout, [], [], [])
    for (const shelf of town.slice(1)) shelf.refuse = throwing(new Error('EIO'))

    await assert.rejects(scattered(layout, town), (error) => {
      assert.ok(isDreyError(error, 'not-enough-members'))
      assert.match(error.message, /synced on 1 members; surviving one loss takes 3/)
      assert.match(error.message, /\(n1: EIO; n2: EIO\)/)
      return true
    })
  })

  it('says that room is what is lacking, where it is all that is', async () => {
    const alone = layoutOf({ k: 1, n: 1 })
    const [one] = shelves(alone, [])
    const full = new DreyError('full', 'the disk is nearly full: make room there')
    one!.refuse = throwing(full)
    await assert.rejects(scattered(alone, [one!]), {
      code: 'full',
      message: /keeping it takes 1 .* \(n0: the disk is nearly full: make room there\)/,
    })

    const layout = layoutOf({ k: 2, n: 3 })
    const town = shelves(layout, [], [], [])
    town[0]!.refuse = throwing(full)
    town[1]!.refuse = throwing(new DreyError('timeout', 'no answer'))
    await assert.rejects(scattered(layout, town), { code: 'not-enough-members' })
  })
})
