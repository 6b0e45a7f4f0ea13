import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as rest } from 'node:timers/promises'
import { isDreyError } from '../base/error.ts'
import { seededRandom } from '../base/random.ts'
import { QuotaStore } from '../store/quota.ts'
import type { Shard } from '../store/store.ts'
import type { Finding } from './gather.ts'
import { fetchBlob, neighbourhood, torn, type Neighbourhood } from './neighbourhood.ts'
import { survivedBy } from './survival.ts'

const segment = 1 << 20
const film = seededRandom(7).bytes(3 * segment + 5)

function flipped(shard: Shard): Shard {
  const bytes = shard.bytes.slice()
  bytes[bytes.length - 1]! ^= 1
  return { ...shard, bytes }
}

/** Puts the film at the first, reads it at the last, and says what the read met. */
async function putAndRead(town: Neighbourhood, spoil: () => void): Promise<Finding[]> {
  const { address } = await town.peers[0]!.node.put(torn(film))
  spoil()
  const findings: Finding[] = []
  const found = (finding: Finding) => void findings.push(finding)
  assert.ok((await fetchBlob(town.peers.at(-1)!, address, { found })).equals(film))
  return findings
}

describe('a read', () => {
  it('names the holder that sends wrong bytes, and goes on with others', async () => {
    await using town = await neighbourhood({ peers: 6 })
    const findings = await putAndRead(town, () => (town.peers[2]!.store.onGet = flipped))
    assert.ok(findings.length > 0)
    assert.ok(findings.every(({ what, member }) => what === 'wrong-shard' && member === 'n2'))
  })

  it('of copies names the liar alone', async () => {
    await using town = await neighbourhood({ peers: 6, code: { k: 1, n: 3 } })
    const findings = await putAndRead(town, () => (town.peers[1]!.store.onGet = flipped))
    assert.ok(findings.every(({ what, member }) => what === 'wrong-shard' && member === 'n1'))
  })

  it('survives two liars of six', async () => {
    await using town = await neighbourhood({ peers: 6 })
    const findings = await putAndRead(town, () => {
      for (const index of [1, 4]) town.peers[index]!.store.onGet = flipped
    })
    assert.ok(findings.every(({ member }) => ['n1', 'n4'].includes(member)))
  })

  it('drops a layout that lies, names whoever gave it, and goes on with the true one', async () => {
    await using town = await neighbourhood({ peers: 6 })
    const findings = await putAndRead(town, () => {
      town.peers[3]!.store.onGet = (shard) => {
        const { layout } = shard
        const shards = layout.shards.map((hash) => hash.map((byte) => byte ^ 0xff))
        return { ...shard, layout: { ...layout, shards } }
      }
    })
    assert.ok(findings.every(({ member }) => member === 'n3'))
  })

  it('names the holder whose shard had rotted', async () => {
    await using town = await neighbourhood({ peers: 6 })
    const findings = await putAndRead(town, () => (town.peers[4]!.store.onGet = () => undefined))
    assert.ok(findings.length > 0)
    assert.ok(findings.every(({ what, member }) => what === 'rotted-shard' && member === 'n4'))
  })

  it('does not wait for a slow holder', async () => {
    await using town = await neighbourhood({ peers: 6, limits: { fetchMs: 60_000 } })
    await putAndRead(town, () => {
      town.peers[1]!.store.onGet = async (shard) => {
        await rest(30_000, undefined, { ref: false })
        return shard
      }
    })
  })

  it('that is aborted lets go of its memory', async () => {
    await using town = await neighbourhood({ peers: 6 })
    const { address } = await town.peers[0]!.node.put(torn(film))
    const controller = new AbortController()
    for (const { store } of town.peers.slice(0, 5))
      store.onGet = () => rest(10_000, undefined, { ref: false })
    const reading = fetchBlob(town.peers[5]!, address, { signal: controller.signal })
    await rest(20)
    controller.abort(new Error('changed my mind'))
    await assert.rejects(reading, /changed my mind/)
    assert.equal(town.peers[5]!.pool.inUse, 0)
  })

  it('whose reader leaves early lets go of its memory', async () => {
    await using town = await neighbourhood({ peers: 6 })
    const { address } = await town.peers[0]!.node.put(torn(film))
    const { node, pool } = town.peers[5]!
    const blob = await node.find(address)
    for await (const _ of node.read(blob, { start: 0, end: blob.size })) break
    assert.equal(pool.inUse, 0)
  })

  it('never takes what stood in memory before for a part of a blob', async () => {
    await using town = await neighbourhood({ peers: 1 })
    const [only] = town.peers
    const { address } = await only!.node.put(torn(film))
    const gathered = await fetchBlob(only!, address, { start: film.length - 1 })
    assert.equal(gathered.length, 1, 'the last segment is five bytes, in a slot of a million')
  })
})

describe('a put', () => {
  it('replaces a member that refuses by the next in order, and says the truth', async () => {
    await using town = await neighbourhood({ peers: 8 })
    town.peers[3]!.store.onPut = () => Promise.reject(new Error('EIO'))
    const { address, receipt } = await town.peers[0]!.node.put(torn(film))
    assert.deepEqual([receipt.syncedOn, receipt.aimedAt, receipt.survives], [6, 6, 2])
    assert.deepEqual((await town.shards()).get(3), [])
    assert.ok((await fetchBlob(town.peers[7]!, address)).equals(film))
  })

  it('says that it survives less when members are missing', async () => {
    await using town = await neighbourhood({ peers: 6 })
    town.peers[3]!.store.onPut = () => Promise.reject(new Error('EIO'))
    const { receipt } = await town.peers[0]!.node.put(torn(film))
    assert.deepEqual([receipt.syncedOn, receipt.aimedAt, receipt.survives], [5, 6, 1])
  })

  it('goes on when a member dies meanwhile', async () => {
    await using town = await neighbourhood({ peers: 7 })
    let puts = 0
    town.peers[4]!.store.onPut = () => {
      puts += 1
      if (puts === 2) void town.leave(4)
    }
    const { address } = await town.peers[0]!.node.put(torn(film))
    assert.ok((await fetchBlob(town.peers[6]!, address)).equals(film))
  })

  it('does not wait for a member that takes too long', async () => {
    await using town = await neighbourhood({ peers: 7, limits: { keepMs: 100 } })
    town.peers[2]!.store.onPut = () => rest(30_000, undefined, { ref: false })
    const { receipt } = await town.peers[0]!.node.put(torn(film))
    assert.equal(receipt.survives, 2)
  })

  it('goes to others when a member is full', async () => {
    const small = (inner: ConstructorParameters<typeof QuotaStore>[0], index: number) =>
      index === 1 ? new QuotaStore(inner, { bytesMax: 100_000 }) : inner
    await using town = await neighbourhood({ peers: 7, store: small })
    const { receipt } = await town.peers[0]!.node.put(torn(film))
    assert.equal(receipt.survives, 2)
  })

  it('fails with what to do when too few members take its shards', async () => {
    await using town = await neighbourhood({ peers: 6 })
    for (const { store } of town.peers.slice(1))
      store.onPut = () => Promise.reject(new Error('EIO'))
    const putting = town.peers[0]!.node.put(torn(film))
    await assert.rejects(putting, (error) => isDreyError(error, 'not-enough-members'))
    assert.equal(town.peers[0]!.pool.inUse, 0)
  })

  it('fails with its source, and lets go of its memory', async () => {
    await using town = await neighbourhood({ peers: 6 })
    const source = async function* () {
      yield film.slice(0, segment + 100)
      throw new Error('the cable was pulled')
    }
    await assert.rejects(town.peers[0]!.node.put(source()), /the cable was pulled/)
    assert.equal(town.peers[0]!.pool.inUse, 0)
  })

  it('can be done more often at once than there are slots', async () => {
    await using town = await neighbourhood({ peers: 6 })
    const { node, pool } = town.peers[0]!
    const blobs = Array.from({ length: 12 }, (_, index) => film.map((byte) => byte ^ index))
    const stored = await Promise.all(blobs.map((blob) => node.put(torn(blob))))
    const read = await Promise.all(stored.map(({ address }) => fetchBlob(town.peers[0]!, address)))
    assert.ok(read.every((bytes, index) => bytes.equals(blobs[index]!)))
    assert.equal(pool.inUse, 0)
  })
})

describe('how many losses are survived', () => {
  for (const [counts, k, losses] of [
    [[1, 1, 1, 1, 1, 1], 4, 2],
    [[2, 1, 1, 1, 1], 4, 1],
    [[2, 2, 2], 4, 1],
    [[3, 3], 4, 0],
    [[1, 1, 1], 4, -1],
    [[1], 1, 0],
  ] as const) {
    it(`is ${losses} with ${counts.join(', ')} shards of which ${k} are needed`, () => {
      assert.equal(survivedBy(counts, k), losses)
    })
  }
})
