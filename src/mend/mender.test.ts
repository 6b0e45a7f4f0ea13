import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { Address } from '../address/address.ts'
import { systemClock } from '../base/clock.ts'
import { seededRandom } from '../base/random.ts'
import { copiesBelowBytes, formatCode } from '../coding/code.ts'
import { fetchBlob, neighbourhood, torn, type Neighbour } from '../node/neighbourhood.ts'
import { formatShardName } from '../store/shardName.ts'
import type { ListOptions, ShardName, Store } from '../store/store.ts'
import { WrapperStore } from '../store/wrapper.ts'
import { MemoryNetwork } from '../transport/memory.ts'
import { isWell, membership, mend, until } from './fixture.ts'
import type { Mender } from './mender.ts'

/** The codes that segments are kept in, and how many shards there are of each layout. */
async function kept(peers: readonly Neighbour[]): Promise<Map<string, number[]>> {
  const counts = new Map<string, { code: string; shards: number }>()
  for (const { store } of peers) {
    for await (const name of store.list()) {
      const { k, n, size } = (await store.layoutOf(name))!
      if (size < copiesBelowBytes) continue
      const count = counts.get(name.layout) ?? { code: formatCode({ k, n }), shards: 0 }
      counts.set(name.layout, { ...count, shards: count.shards + 1 })
    }
  }
  const codes = new Map<string, number[]>()
  for (const { code, shards } of counts.values()) {
    codes.set(code, [...(codes.get(code) ?? []), shards])
  }
  return codes
}

const fourOfSix = { k: 4, n: 6 }
const film = seededRandom(3).bytes(2_500_000) // Three segments.

describe('A swarm that mends itself', () => {
  it('has full redundancy again after members have gone, with nobody asking', async () => {
    const options = { peers: 10, seed: 4, code: fourOfSix, membership }
    await using town = await neighbourhood(options)
    const { address } = await town.peers[0]!.node.put(torn(film))
    for (const gone of [2, 4]) {
      await town.leave(gone - 2, gone - 1)
      await using work = mend(town.peers.slice(gone), { code: fourOfSix })
      await until('all is well again', () => isWell(work, '4+2'))
    }

    const left = town.peers.slice(4)
    assert.deepEqual(await kept(left), new Map([['4+2', [6, 6, 6]]]))
    assert.deepEqual(await fetchBlob(left[5]!, address), Buffer.from(film))
  })

  it('codes its blocks anew as it grows, under the same address, and keeps nothing twice', async () => {
    const network = new MemoryNetwork({ seed: 5, aliveMs: 60_000 })
    await using first = await neighbourhood({ peers: 1, network, membership })
    const { address } = await first.peers[0]!.node.put(torn(film))
    const peers = [...first.peers]
    for (const [members, code] of [
      [2, '1+1'],
      [3, '2+1'],
      [6, '4+2'],
    ] as const) {
      const count = members - peers.length
      const more = await neighbourhood({ peers: count, first: peers.length, network, membership })
      for (const { transporter } of more.peers) {
        transporter.keepConnected(first.peers[0]!.transporter.address)
      }
      peers.push(...more.peers)
      await using work = mend(peers)
      const n = Number(code[0]) + Number(code[2])
      const expected = new Map([[code, [n, n, n]]])
      await until(`all is ${code}`, async () => {
        return isWell(work, code) && isDeepStrictEqual(await kept(peers), expected)
      })
    }

    assert.deepEqual(await fetchBlob(peers[5]!, address), Buffer.from(film))
  })

  it('codes its blocks anew when members have gone for good', async () => {
    await using town = await neighbourhood({ peers: 6, seed: 6, membership })
    const { address } = await town.peers[0]!.node.put(torn(film))
    await town.leave(0)
    const left = town.peers.slice(1)

    await using work = mend(left, { goneMs: 200 })
    await until('all is 3+2', async () => {
      return (
        isWell(work, '3+2') && isDeepStrictEqual(await kept(left), new Map([['3+2', [5, 5, 5]]]))
      )
    })

    assert.deepEqual(await fetchBlob(left[4]!, address), Buffer.from(film))
  })

  it('moves shards to a member that has come, and only those', async () => {
    const network = new MemoryNetwork({ seed: 7, aliveMs: 60_000 })
    const common = { network, membership, code: fourOfSix }
    await using town = await neighbourhood({ peers: 7, ...common })
    await town.peers[0]!.node.put(torn(film))
    const before = await town.shards()
    await using more = await neighbourhood({ peers: 1, first: 7, ...common })
    more.peers[0]!.transporter.keepConnected(town.peers[0]!.transporter.address)
    const peers = [...town.peers, ...more.peers]

    await using work = mend(peers, { code: fourOfSix })
    const hasArrived = () => work.menders.some(({ progress }) => progress.removed > 0)
    await until('a shard is where it belongs', hasArrived)
    await until('all is well', () => isWell(work, '4+2'))

    const isSame = (a: ShardName, b: ShardName) => formatShardName(a) === formatShardName(b)
    const after = await town.shards()
    for (const [index, names] of after) {
      for (const name of names) assert.ok(before.get(index)!.some((old) => isSame(old, name)))
    }
    assert.deepEqual(await kept(peers), new Map([['4+2', [6, 6, 6]]]))
  })

  it('leaves blocks as they are while a member is just being missed', async () => {
    const patient = { heartbeatMs: 50, awayMs: 60_000 }
    await using town = await neighbourhood({ peers: 7, code: fourOfSix, membership: patient })
    await town.peers[0]!.node.put(torn(film))
    await town.leave(0)

    await using work = mend(town.peers.slice(1), { code: fourOfSix })
    await systemClock.sleep(300)

    for (const { progress } of work.menders) assert.equal(progress.movedBytes, 0)
  })

  it('says which blocks too few shards are left of', async () => {
    await using town = await neighbourhood({ peers: 6, seed: 8, membership })
    await town.peers[0]!.node.put(torn(film.subarray(0, 1_000_000)))
    await town.leave(0, 1, 2)
    const left = town.peers.slice(3)

    await using work = mend(left)
    const teller = () =>
      work.menders.find(({ progress: { census, lostBlocks } }) => census.lost * lostBlocks.length)
    await until('it is told', () => teller() !== undefined)

    const { census, lostBlocks } = teller()!.progress
    assert.equal(census.survives, -1)
    assert.match(lostBlocks[0]!, /^b[a-z2-7]+$/)
  })

  it('mends a block at once when one of its shards was found rotten', async () => {
    await using town = await neighbourhood({ peers: 6, seed: 9, membership })
    await town.peers[0]!.node.put(torn(film))
    await using work = mend(town.peers)
    await until('all is well', () => isWell(work, '4+2'))
    const names = (await town.shards()).get(3)!
    await town.peers[3]!.store.delete(names[0]!)

    work.menders[3]!.note(names[0]!.block)

    await until('the shard is there again', () => town.peers[3]!.store.has(names[0]!))
  })
  it('looks again at a block that another member had to spread better', async () => {
    await using town = await neighbourhood({ peers: 6, seed: 12, membership })
    await town.peers[0]!.node.put(torn(film))
    const [from, to] = [town.peers[3]!.store, town.peers[4]!.store]
    for (const name of (await town.shards()).get(3)!) {
      await to.put((await from.get(name))!)
      await from.delete(name)
    }

    await using work = mend(town.peers, { passMs: 3_600_000 })
    const hasSeen = () => work.menders.every(({ progress }) => progress.passedAt !== undefined)
    await until('all have looked', hasSeen)
    await until('all is well', () => isWell(work, '4+2'))

    assert.deepEqual(await kept(town.peers), new Map([['4+2', [6, 6, 6]]]))
  })

  it('looks again at blocks that were being put while it looked, and tells how they stand', async () => {
    let menders: readonly Mender[] = []
    const stillLands = () => menders.every(({ progress }) => progress.waiting === 0)
    const landing = (inner: Store, at: number) => new LandingStore(inner, at === 3 && stillLands)
    await using town = await neighbourhood({ peers: 6, seed: 10, membership, store: landing })
    const random = seededRandom(11)
    for (let at = 0; at < 60; at++) await town.peers[0]!.node.put(torn(random.bytes(100)))
    await using work = mend(town.peers, { passMs: 3_600_000 })
    menders = work.menders

    await until('all is well', () => isWell(work, '4+2'))
  })
})

/** Lists slowly; and what it has is not there yet for others, as long as it lands. */
class LandingStore extends WrapperStore {
  #lands: false | (() => boolean)

  constructor(inner: Store, lands: false | (() => boolean)) {
    super(inner)
    this.#lands = lands
  }

  override async *list(options?: ListOptions) {
    for await (const name of super.list(options)) {
      yield name
      await systemClock.sleep(5)
    }
  }

  override async shardsOf(block: Address) {
    if (this.#lands && !this.#lands()) this.#lands = false
    return this.#lands ? [] : super.shardsOf(block)
  }
}
