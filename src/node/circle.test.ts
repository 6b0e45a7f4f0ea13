import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDreyError } from '../base/error.ts'
import { seededRandom } from '../base/random.ts'
import { blake3 } from '../address/blake3.ts'
import type { Hints } from '../discovery/hints.ts'
import { fetchBlob, neighbourhood, torn } from './neighbourhood.ts'

const bytes = seededRandom(41).bytes(300_000)
const never: Hints = { holders: () => torn(new Uint8Array()) as never, nearest: async () => [] }

/** A DHT that knows everybody: nearness is a hash of the block and the id. */
function allKnowing(ids: readonly string[]): Hints {
  return {
    ...never,
    async nearest(block, { count }) {
      const distance = (id: string) =>
        Buffer.from(blake3.hash(Buffer.from(`${block}${id}`))).readUInt32BE(0)
      const nearest = ids.toSorted((a, b) => distance(a) - distance(b)).slice(0, count)
      return nearest.map((id) => ({ id, address: `${id}:1` }))
    },
  }
}

describe('A block is looked for', () => {
  it('where it should be, then everywhere, and the report says who has what', async () => {
    await using town = await neighbourhood({ peers: 8, code: { k: 2, n: 4 } })
    const { address } = await town.peers[0]!.node.put(torn(bytes))
    const [placement, broadcast, dht] = await town.peers[5]!.node.locate(address)
    const holders = placement!.replies.filter(({ shards }) => shards.length > 0)
    assert.deepEqual(
      [placement!.layer, broadcast!.layer, dht!.layer],
      ['placement', 'broadcast', 'dht'],
    )
    assert.equal(holders.length, 3) // The root is small: copies that survive two losses.
    assert.equal(placement!.replies.length + broadcast!.replies.length, 8)
    assert.deepEqual(dht!.replies, [])
  })

  it('by the DHT’s word at last, at members that are not known, and lies on the way cost nothing', async () => {
    await using town = await neighbourhood({ peers: 3, seed: 42 })
    const [ann, bob, eve] = town.peers
    const { address } = await ann!.node.put(torn(bytes))
    await using island = await neighbourhood({
      ...{ peers: 1, network: town.network, first: 3 },
      hints: {
        ...never,
        async *holders() {
          yield* ['nobody:1', 'n3:1', 'not an address', ...[bob, eve].map((one) => `${one!.id}:1`)]
        },
      },
    })
    const [stranger] = island.peers
    assert.deepEqual(stranger!.membership.others(), [])
    assert.ok((await fetchBlob(stranger!, address)).equals(bytes))
    const [, , dht] = await stranger!.node.locate(address)
    assert.equal(dht!.replies.length, 0) // They are known by now, and were asked before.
  })

  it('in vain where nobody has it, and the error says so', async () => {
    await using town = await neighbourhood({ peers: 2, hints: never })
    const { address } = await town.peers[0]!.node.put(torn(bytes))
    for (const { store } of town.peers)
      for await (const name of store.list()) await store.delete(name)
    await assert.rejects(town.peers[1]!.node.find(address), (error) =>
      isDreyError(error, 'not-found'),
    )
  })
})

describe('A swarm too large for anyone to know everyone', () => {
  it('keeps blocks at the nodes nearest to their address, and anyone finds them there', async () => {
    const ids = Array.from({ length: 24 }, (_, at) => `n${at}`)
    await using town = await neighbourhood({
      ...{ peers: 24, seed: 43, code: { k: 2, n: 4 }, meeting: 3 },
      hints: allKnowing(ids),
      membership: { membersMax: 10, peersMax: 6, exchangeMs: 50 },
    })
    assert.ok(town.peers.some(({ membership }) => membership.isPartial))
    const { address } = await town.peers[2]!.node.put(torn(bytes))
    for (const at of [5, 11, 17, 23]) {
      assert.ok((await fetchBlob(town.peers[at]!, address)).equals(bytes), `read at ${at}`)
    }
  })
})
