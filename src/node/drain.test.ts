import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Address } from '../address/address.ts'
import { systemClock } from '../base/clock.ts'
import { isDreyError } from '../base/error.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { QuotaStore } from '../store/quota.ts'
import type { Shard, Store } from '../store/store.ts'
import { drain, type DrainOptions, type DrainReport } from './drain.ts'
import { coded, newLeaseOf } from './keepingFixture.ts'
import { defaultLimits } from './limits.ts'
import { Members } from './members.ts'
import {
  fetchBlob,
  neighbourhood,
  torn,
  type Neighbour,
  type Neighbourhood,
} from './neighbourhood.ts'

const segment = 1 << 20
const film = seededRandom(8).bytes(4 * segment + 9)

interface Furniture {
  readonly address: Address
  readonly bytes: Uint8Array
}

/** Stores the film and many small things, so that there are coded blocks and copies. */
async function furnish(town: Neighbourhood): Promise<Furniture[]> {
  const { node } = town.peers[0]!
  const small = Array.from({ length: 40 }, (_, at) => film.subarray(at, 500))
  const pieces = [film, film.subarray(0, 70_000), ...small]
  const stored = await Promise.all(pieces.map((bytes) => node.put(torn(bytes))))
  return stored.map(({ address }, at) => ({ address, bytes: pieces[at]! }))
}

function drainOne(
  town: Neighbourhood,
  index: number,
  options: Partial<DrainOptions> = {},
): Promise<DrainReport> {
  const { store, leases, membership } = town.peers[index]!
  const members = new Members(membership, { ...defaultLimits, answerMs: 300, keepMs: 400 })
  const common = { store, book: leases.book, clock: systemClock, log: silentLog }
  const parts = { ...common, others: () => members.holders() }
  return drain(parts, { signal: AbortSignal.timeout(60_000), ...options })
}

async function assertReadable(reader: Neighbour, blobs: readonly Furniture[]): Promise<void> {
  for (const { address, bytes } of blobs) {
    assert.ok((await fetchBlob(reader, address)).equals(bytes), String(address))
  }
}

/** Counts the shards that are sent, to whomever. */
function countPuts(town: Neighbourhood): { count: number } {
  const puts = { count: 0 }
  for (const { store } of town.peers) store.onPut = () => void (puts.count += 1)
  return puts
}

/** How many members may vanish, whichever they are, of those that are not named. */
async function survives(town: Neighbourhood, ...gone: number[]): Promise<number> {
  const layouts = new Map<string, { k: number; homes: Map<number, Set<number>> }>()
  for (const [index, names] of await town.shards()) {
    for (const name of gone.includes(index) ? [] : names) {
      const { layout } = (await town.peers[index]!.store.get(name))!
      const { homes } = layouts.get(name.layout) ?? { homes: new Map<number, Set<number>>() }
      homes.set(index, (homes.get(index) ?? new Set()).add(name.index))
      layouts.set(name.layout, { k: layout.k, homes })
    }
  }
  const losses = [...layouts.values()].map(({ k, homes }) => lossesOf(k, [...homes.values()]))
  return Math.min(...losses)
}

/** The most members that any choice of them leaves k different shards; copies are all alike. */
function lossesOf(k: number, homes: readonly ReadonlySet<number>[]): number {
  if (k === 1) return homes.length - 1
  const isEnough = (left: readonly ReadonlySet<number>[]) =>
    new Set(left.flatMap((indexes) => [...indexes])).size >= k
  if (!isEnough(homes)) return -1
  return 1 + Math.min(...homes.map((_, at) => lossesOf(k, homes.toSpliced(at, 1))))
}

describe('A node that leaves', () => {
  it('hands over what it holds, so that as many losses are survived without it', async () => {
    await using town = await neighbourhood({ peers: 8 })
    const blobs = await furnish(town)
    assert.equal(await survives(town), 2)
    const held = (await town.shards()).get(3)!.length
    const report = await drainOne(town, 3)

    assert.equal(await survives(town, 3), 2)
    const { done, total, sent, crowded, failed } = report
    assert.deepEqual([done, total, sent, crowded, failed], [held, held, held, 0, 0])
    assert.ok(report.sentBytes > 0)
    assert.equal((await town.shards()).get(3)!.length, held, 'nothing was deleted')

    await town.leave(3, 1, 6)
    await assertReadable(town.peers[7]!, blobs)
  })

  it('leaves every house as many shards as before', async () => {
    await using town = await neighbourhood({ peers: 9, zone: (index) => `house ${index % 3}` })
    const blobs = await furnish(town)
    await drainOne(town, 2)

    await town.leave(2, 1, 4, 7) // And the second house burns down.
    await assertReadable(town.peers[8]!, blobs)
  })

  it('passes over a member that is full', async () => {
    const small = (inner: Store, index: number) =>
      index === 5 ? new QuotaStore(inner, { bytesMax: 0 }) : inner
    await using town = await neighbourhood({ peers: 9, code: { k: 4, n: 6 }, store: small })
    await furnish(town)
    const { failed, sent } = await drainOne(town, 2)

    assert.ok(sent > 0)
    assert.equal(failed, 0)
    assert.equal(await survives(town, 2), 2)
  })

  it('goes on where it was broken off', async () => {
    await using town = await neighbourhood({ peers: 8, code: { k: 4, n: 6 } })
    await furnish(town)
    const all = (await town.shards()).get(4)!.length
    const puts = countPuts(town)
    const broken = new AbortController()
    const half = drainOne(town, 4, {
      signal: broken.signal,
      report: ({ done, total }) => {
        if (done >= total / 2) broken.abort(new Error('the lid was closed'))
      },
    })
    await assert.rejects(half, /the lid was closed/)
    const before = puts.count
    const { sent, there, failed } = await drainOne(town, 4)

    assert.ok(there >= all / 2)
    assert.deepEqual([sent + there, failed], [all, 0])
    assert.equal(puts.count - before, sent, 'what was there already was not sent')
    assert.equal(await survives(town, 4), 2)
    assert.equal((await drainOne(town, 4)).there, all)
  })

  it('does not send what it cannot read, and says so', async () => {
    await using town = await neighbourhood({ peers: 8 })
    await furnish(town)
    const { store } = town.peers[1]!
    const [rotten] = (await town.shards()).get(1)!
    store.onGet = (shard) => (shard.layout.block.equals(rotten!.block) ? undefined : shard)
    const { failed, failures } = await drainOne(town, 1)

    assert.equal(failed, 1)
    assert.equal(failures[0]!.what, 'unreadable')
    assert.equal(failures[0]!.block, String(rotten!.block))
  })

  it('says which shards nobody took, and what was said', async () => {
    await using town = await neighbourhood({ peers: 2 })
    await furnish(town)
    await town.peers[1]!.store.delete((await town.shards()).get(1)![0]!)
    const [only] = (await town.shards()).get(0)!
    town.peers[1]!.store.onPut = () => Promise.reject(new Error('EIO: bad disk'))
    const { there, failures, total, failed } = await drainOne(town, 0)

    assert.deepEqual([there, failed], [total - 1, 1])
    assert.deepEqual([failures[0]!.what, failures[0]!.block], ['refused', String(only!.block)])
    assert.match(failures[0]!.why, /nobody took it \(n1: .+\)/)
  })

  it('says that shards of one block stand together when there is no other place', async () => {
    await using town = await neighbourhood({ peers: 3 })
    const blobs = await furnish(town)
    const { crowded, failed } = await drainOne(town, 2)

    assert.ok(crowded > 0)
    assert.equal(failed, 0)
    await town.leave(2)
    await assertReadable(town.peers[0]!, blobs)
  })

  it('gives every lease along with what it hands over, however many there are', async () => {
    await using town = await neighbourhood({ peers: 2 })
    const [leaver, taker] = town.peers as [Neighbour, Neighbour]
    const [shard] = coded(seededRandom(1)) as [Shard]
    const leases = Array.from({ length: 600 }, (_, at) => newLeaseOf(`owner ${at}`).lease)
    await leaver.node.keeping.keep(shard, leases, { signal: AbortSignal.timeout(60_000) })

    assert.equal((await drainOne(town, 0)).sent, 1)
    const owners = taker.leases.book.of(shard.layout.block).map(({ owner }) => owner)
    assert.deepEqual(owners.toSorted(), leases.map(({ owner }) => owner).toSorted())
  })

  it('hands over nothing that nobody wants, or others would keep it for ever', async () => {
    await using town = await neighbourhood({ peers: 2 })
    const [leaver, taker] = town.peers as [Neighbour, Neighbour]
    const { lease, secret } = newLeaseOf('ann')
    const [removed] = coded(seededRandom(1)) as [Shard]
    const [leftByCrash] = coded(seededRandom(2)) as [Shard]
    await leaver.node.keeping.keep(removed, [lease], { signal: AbortSignal.timeout(60_000) })
    await leaver.leases.book.end([secret])
    await leaver.store.put(leftByCrash)

    const { there, sent, failed } = await drainOne(town, 0)
    assert.deepEqual([there, sent, failed], [2, 0, 0])
    assert.equal((await taker.store.usage()).shards, 0)
  })

  it('refuses to begin when there is nobody else', async () => {
    await using town = await neighbourhood({
      peers: 2,
      capacity: (index) => (index === 0 ? 1e9 : 0),
    })
    await furnish(town)
    await assert.rejects(drainOne(town, 0), (error) => isDreyError(error, 'not-enough-members'))
  })
})
