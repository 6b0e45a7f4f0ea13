import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatAddress } from '../address/address.ts'
import { isDreyError } from '../base/error.ts'
import { between, seededRandom } from '../base/random.ts'
import { QuotaStore } from '../store/quota.ts'
import type { Store } from '../store/store.ts'
import { fetchBlob, neighbourhood, torn } from './neighbourhood.ts'

const random = seededRandom(42)
const segment = 1 << 20
const film = random.bytes(5 * segment + 777)

describe('a swarm of six', () => {
  for (const size of [0, 1, 65_535, 65_536, 65_537, segment - 1, segment, segment + 1, 3_500_000]) {
    it(`gives back ${size} bytes, at a node that did not store them`, async () => {
      await using town = await neighbourhood({ peers: 6 })
      const bytes = random.bytes(size)
      const { address, receipt } = await town.peers[0]!.node.put(torn(bytes, random))
      assert.equal(receipt.survives, 2)
      assert.ok((await fetchBlob(town.peers[5]!, address)).equals(bytes))
      assert.ok(
        town.peers.every(({ pool }) => pool.inUse === 0),
        'every slot was released',
      )
    })
  }

  it('gives the same content the same address, however the stream was torn', async () => {
    await using town = await neighbourhood({ peers: 6 })
    const addresses = new Set<string>()
    for (let round = 0; round < 5; round++) {
      const { address } = await town.peers[round]!.node.put(torn(film, random))
      addresses.add(formatAddress(address))
    }
    assert.equal(addresses.size, 1)
  })

  it('sends no shard of what it has already', async () => {
    await using town = await neighbourhood({ peers: 6 })
    const first = await town.peers[0]!.node.put(torn(film))
    assert.equal(first.receipt.newBlocks, first.receipt.blocks)
    const again = await town.peers[3]!.node.put(torn(film))
    assert.equal(again.receipt.sentShards, 0)
    assert.equal(again.receipt.newBytes, 0)
  })

  it('stores only the touched segment and the root when one byte changes, under a new address', async () => {
    await using town = await neighbourhood({ peers: 6 })
    const { address } = await town.peers[0]!.node.put(torn(film))
    const changed = film.slice()
    changed[2 * segment + 5]! ^= 1
    const other = await town.peers[1]!.node.put(torn(changed))
    assert.ok(!other.address.equals(address))
    assert.equal(other.receipt.newBlocks, 2)
    assert.ok((await fetchBlob(town.peers[2]!, other.address)).equals(changed))
  })

  it('names the hash in the address, and reads whichever it is', async () => {
    await using town = await neighbourhood({ peers: 6 })
    for (const [hash, code] of [
      ['blake3', 0x1e],
      ['sha2-256', 0x12],
      ['sha1', 0x11],
    ] as const) {
      const { address } = await town.peers[0]!.node.put(torn(film), { hash })
      assert.equal(address.multihash.code, code)
      assert.ok((await fetchBlob(town.peers[4]!, address)).equals(film))
    }
  })

  it('gives any range, and fetches only the blocks that it touches', async () => {
    await using town = await neighbourhood({ peers: 6 })
    const { address } = await town.peers[0]!.node.put(torn(film))
    for (let round = 0; round < 20; round++) {
      const start = between(random, 0, film.length)
      const end = between(random, start, film.length + 1)
      for (const { store } of town.peers) store.gets = 0
      const part = await fetchBlob(town.peers[5]!, address, { start, end })
      assert.ok(part.equals(film.subarray(start, end)))
      const touched = end === start ? 0 : Math.ceil(end / segment) - Math.floor(start / segment)
      const gets = town.peers.reduce((sum, { store }) => sum + store.gets, 0)
      // The root is copies, and as many are asked at once as a coded block would take.
      assert.ok(gets <= 4 * touched + 4 + 2, `${gets} reads of shards for ${touched} segments`)
    }
  })

  it('comes back when any two of it are gone, whichever they are', async () => {
    for (let a = 0; a < 6; a++) {
      for (let b = a + 1; b < 6; b++) {
        await using town = await neighbourhood({ peers: 6, seed: a * 6 + b })
        const bytes = film.subarray(0, 2 * segment + 99)
        const { address } = await town.peers[a]!.node.put(torn(bytes))
        await town.leave(a, b)
        const reader = town.peers.findIndex((_, index) => index !== a && index !== b)
        assert.ok(
          (await fetchBlob(town.peers[reader]!, address)).equals(bytes),
          `${a} and ${b} left`,
        )
      }
    }
  })

  it('says how many shards were found and needed when three are gone', async () => {
    await using town = await neighbourhood({ peers: 6 })
    const { address } = await town.peers[0]!.node.put(torn(film))
    await town.leave(0, 2, 4)
    await assert.rejects(fetchBlob(town.peers[5]!, address, { start: 0, end: 10 }), (error) => {
      assert.ok(isDreyError(error, 'not-enough-shards'))
      assert.match(
        error.message,
        /4 shards are needed, 3 were found \(3 members asked; not here: n0, n2, n4\)/,
      )
      return true
    })
  })

  it('does not hang when three fall silent without a word', async () => {
    await using town = await neighbourhood({ peers: 6 })
    const { address } = await town.peers[0]!.node.put(torn(film))
    for (const id of ['n0', 'n2', 'n4']) town.network.silence(id)
    await assert.rejects(
      fetchBlob(town.peers[5]!, address, { start: 0, end: 10 }),
      (error) => isDreyError(error, 'not-enough-shards') || isDreyError(error, 'not-found'),
    )
  })

  it('knows nothing of what nobody stored', async () => {
    await using town = await neighbourhood({ peers: 6 })
    await using elsewhere = await neighbourhood({ peers: 1 })
    const { address } = await elsewhere.peers[0]!.node.put(torn(film))
    const asked = fetchBlob(town.peers[0]!, address)
    await assert.rejects(asked, (error) => isDreyError(error, 'not-found'))
  })
})

describe('a swarm in three houses', () => {
  it('survives that one burns down, whichever it is', async () => {
    for (const burnt of [0, 1, 2]) {
      await using town = await neighbourhood({ peers: 9, zone: (index) => `house ${index % 3}` })
      const { address } = await town.peers[0]!.node.put(torn(film))
      await town.leave(burnt, burnt + 3, burnt + 6)
      const reader = town.peers[burnt === 2 ? 7 : 8]!
      assert.ok((await fetchBlob(reader, address)).equals(film), `house ${burnt} burnt`)
    }
  })

  it('has as many shards of each block in each, also when a member is full', async () => {
    const full = (inner: Store, index: number) =>
      index === 4 ? new QuotaStore(inner, { bytesMax: 0 }) : inner
    await using town = await neighbourhood({
      peers: 9,
      code: { k: 4, n: 6 },
      zone: (index) => `house ${index % 3}`,
      store: full,
    })
    await town.peers[0]!.node.put(torn(film))
    const housesOf = new Map<string, number[]>()
    for (const [index, names] of await town.shards()) {
      for (const { block } of names) {
        const houses = housesOf.get(String(block)) ?? [0, 0, 0]
        houses[index % 3]! += 1
        housesOf.set(String(block), houses)
      }
    }
    assert.ok(housesOf.size > 5)
    for (const houses of housesOf.values()) assert.equal(Math.max(...houses), Math.min(...houses))
  })
})

describe('a node', () => {
  it('that only stores may not put, and reads with a link alone', async () => {
    await using town = await neighbourhood({
      peers: 3,
      role: (index) => (index === 2 ? 'storage' : 'reader'),
    })
    const { address, key } = await town.peers[0]!.node.put(torn(film))
    const storage = town.peers[2]!
    await assert.rejects(storage.node.put(torn(film)), (e) => isDreyError(e, 'no-read-secret'))
    await assert.rejects(storage.node.find(address), (e) => isDreyError(e, 'no-read-secret'))
    const blob = await storage.node.find(address, key)
    assert.equal(blob.size, film.length)
  })

  it('that offers nothing holds nothing', async () => {
    await using town = await neighbourhood({ peers: 4, capacity: (i) => (i === 1 ? 0 : 2 ** 30) })
    await town.peers[1]!.node.put(torn(film))
    const shards = await town.shards()
    assert.deepEqual(shards.get(1), [])
    assert.ok([0, 2, 3].every((index) => shards.get(index)!.length > 0))
  })

  it('refuses the address of a part of a blob, and says so', async () => {
    await using town = await neighbourhood({ peers: 2 })
    await town.peers[0]!.node.put(torn(film))
    const [name] = (await town.shards()).get(1)!.filter(({ block }) => block.code === 0x55)
    await assert.rejects(town.peers[0]!.node.find(name!.block), /part of a blob/)
  })
})
