import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatAddress, type Address } from '../address/address.ts'
import { systemClock } from '../base/clock.ts'
import { isDreyError } from '../base/error.ts'
import { seededRandom } from '../base/random.ts'
import { sweepAll } from '../lease/fixture.ts'
import { bytesKept } from './keeping.ts'
import {
  fetchBlob,
  neighbourhood,
  torn,
  type Neighbour,
  type Neighbourhood,
} from './neighbourhood.ts'

const segment = 1 << 20
const film = seededRandom(12).bytes(4 * segment + 11)

/** The one lease that a neighbour has for a blob. */
function leaseOf({ leases }: Neighbour, address: Address): string {
  const all = leases.own.of(formatAddress(address))
  assert.equal(all.length, 1)
  return all[0]!.id
}

/** Calls for every block that a neighbour has shards of. */
async function eachHeld(
  town: Neighbourhood,
  check: (block: Address, holder: Neighbour) => void,
): Promise<number> {
  let count = 0
  for (const [index, names] of await town.shards()) {
    for (const { block } of names) check(block, town.peers[index]!)
    count += names.length
  }
  return count
}

/** Every shard that is still here waits to be let go, and nothing else is in any book. */
async function assertLetGo(town: Neighbourhood): Promise<void> {
  await eachHeld(town, (block, { leases }) => assert.equal(leases.book.wants(block), 'unwanted'))
  for (const { id, store, leases } of town.peers) {
    await sweepAll(leases)
    assert.equal(leases.book.bytesOf('n0'), 0, id)
    const blocks = new Set<string>()
    for await (const { block } of store.list()) blocks.add(formatAddress(block))
    assert.equal(leases.sweep.waiting().blocks, blocks.size, id)
  }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await systemClock.sleep(5)
}

describe('a put that has resolved', () => {
  it('has its lease at every holder of each of its blocks', async () => {
    await using town = await neighbourhood({ peers: 8 })
    const { address } = await town.peers[0]!.node.put(torn(film))
    const lease = leaseOf(town.peers[0]!, address)
    const checked = await eachHeld(town, (block, { leases }) => {
      assert.deepEqual(
        leases.book.of(block).map(({ id, owner }) => [id, owner]),
        [[lease, 'n0']],
      )
    })
    assert.equal(
      checked,
      4 * 6 + 2 * 3,
      'four segments in 4+2; the last one and the root as copies',
    )
    for (const { store, leases } of town.peers) {
      const { bytes } = await store.usage()
      assert.equal(leases.book.bytesOf('n0'), bytes, 'the owner is counted what is here')
    }
  })

  it('covers what others have put, without sending it', async () => {
    await using town = await neighbourhood({ peers: 8 })
    const first = await town.peers[0]!.node.put(torn(film))
    const second = await town.peers[5]!.node.put(torn(film))
    assert.equal(second.receipt.sentShards, 0)
    const ids = [leaseOf(town.peers[0]!, first.address), leaseOf(town.peers[5]!, second.address)]
    await eachHeld(town, (block, { leases }) => {
      assert.deepEqual(
        leases.book.of(block).map(({ id }) => id),
        ids,
      )
    })

    const { secret } = town.peers[0]!.leases.own.of(formatAddress(first.address))[0]!
    await town.peers[0]!.node.leasing.end([secret], AbortSignal.timeout(60_000))
    await eachHeld(town, (block, { leases }) => assert.equal(leases.book.wants(block), 'wanted'))
    assert.ok((await fetchBlob(town.peers[7]!, second.address)).equals(film))
  })
})

describe('a put that was broken off', () => {
  it('leaves nothing that anybody wants, at any holder', async () => {
    await using town = await neighbourhood({ peers: 6 })
    const over = new AbortController()
    const source = async function* () {
      yield film.slice(0, 3 * segment)
      over.abort(new Error('the lid was closed'))
      yield film.slice(3 * segment)
    }
    const putting = town.peers[0]!.node.put(source(), { signal: over.signal })
    await assert.rejects(putting, /the lid was closed/)

    const have = async ({ leases }: Neighbour) => leases.book.endsFrom(0, 2).secrets.length === 1
    await until(async () => (await Promise.all(town.peers.map(have))).every(Boolean))
    await until(async () => {
      const kept = await Promise.all(
        town.peers.map(async ({ node, store }) => {
          for await (const { block } of store.list()) {
            if (node.keeping.book.wants(block) !== 'unwanted') return false
          }
          return true
        }),
      )
      return kept.every(Boolean)
    })
    await assertLetGo(town)
    assert.deepEqual(town.peers[0]!.leases.own.unfinished(), [])
  })
})

describe('a member that keeps so much of one owner', () => {
  it('is passed over when that is reached, and others take the shards', async () => {
    const ownerQuota = (index: number) => (index === 2 ? 300_000 : Infinity)
    await using town = await neighbourhood({ peers: 7, ownerQuota })
    const { address, receipt } = await town.peers[0]!.node.put(torn(film))
    assert.equal(receipt.survives, 2)
    const { leases, store } = town.peers[2]!
    assert.ok(leases.book.bytesOf('n0') <= 300_000)
    assert.equal(leases.book.bytesOf('n0'), (await store.usage()).bytes)

    const other = film.map((byte) => byte ^ 1)
    await town.peers[4]!.node.put(torn(other))
    assert.ok(leases.book.bytesOf('n4') > 0, 'what others put is taken')
    assert.ok((await fetchBlob(town.peers[6]!, address)).equals(film))
  })

  it('lets a put fail with what to do when all of them do, and nothing half-written is left', async () => {
    await using town = await neighbourhood({ peers: 6, ownerQuota: () => 300_000 })
    const small = film.slice(0, 100_000)
    const kept = await town.peers[0]!.node.put(torn(small))
    const before = town.peers.map(({ leases }) => leases.book.bytesOf('n0'))

    await assert.rejects(town.peers[0]!.node.put(torn(film)), (error) => {
      assert.ok(isDreyError(error, 'full'), String(error))
      assert.match(error.message, /keeps at most 300000 bytes for one member: remove what is not/)
      return true
    })

    await until(async () => {
      for (const { leases } of town.peers) await sweepAll(leases)
      return town.peers.every(({ leases }, at) => leases.book.bytesOf('n0') === before[at])
    })
    for (const { store, leases } of town.peers) {
      const blocks = new Map<string, Address>()
      for await (const { block } of store.list()) blocks.set(formatAddress(block), block)
      for (const block of blocks.values()) {
        assert.ok((await bytesKept(store, block)) > 0)
        assert.notEqual(leases.book.wants(block), 'unknown')
      }
    }
    assert.ok((await fetchBlob(town.peers[3]!, kept.address)).equals(small))
    await town.peers[1]!.node.put(torn(film.slice(0, 100_000).map((byte) => byte ^ 2)))
  })
})
