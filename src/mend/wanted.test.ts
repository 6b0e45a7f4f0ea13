import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { codecs, formatAddress, type Address } from '../address/address.ts'
import { seededRandom } from '../base/random.ts'
import { neighbourhood, torn, type Neighbour, type Neighbourhood } from '../node/neighbourhood.ts'
import { sampleShard } from '../store/sample.ts'
import { isWell, membership, mend, until } from './fixture.ts'

const random = seededRandom(31)
const { signal } = new AbortController()
const place = 3

async function put({ node }: Neighbour): Promise<Address> {
  return (await node.put(torn(random.bytes(900_000)))).address
}

async function remove({ node, leases }: Neighbour, root: Address): Promise<void> {
  const secrets = leases.own.of(formatAddress(root)).map(({ secret }) => secret)
  await node.leasing.end(secrets, signal)
}

/** The segments whose shards one neighbour has. */
async function segmentsAt({ store }: Neighbour): Promise<Address[]> {
  const blocks: Address[] = []
  for await (const { block } of store.list()) if (block.code === codecs.raw) blocks.push(block)
  return blocks
}

/** Takes a block's shards from a neighbour's disk. */
async function rob({ store }: Neighbour, block: Address): Promise<void> {
  for (const name of await store.shardsOf(block)) await store.delete(name)
}

const has = async ({ store }: Neighbour, block: Address) => (await store.shardsOf(block)).length > 0

/** A blob that is wanted and one that is not any more; the segment of each, of which one shard has gone. */
async function robbed(town: Neighbourhood): Promise<{ wanted: Address; unwanted: Address }> {
  const [owner, victim] = [town.peers[0]!, town.peers[place]!]
  await put(owner)
  const [wanted] = await segmentsAt(victim)
  const removed = await put(owner)
  const unwanted = (await segmentsAt(victim)).find((block) => !block.equals(wanted!))
  await remove(owner, removed)
  for (const block of [wanted!, unwanted!]) await rob(victim, block)
  return { wanted: wanted!, unwanted: unwanted! }
}

describe('Those who look after blocks', () => {
  it('mend what somebody wants, and not what nobody does', async () => {
    await using town = await neighbourhood({ peers: 6, membership })
    const victim = town.peers[place]!
    const { wanted, unwanted } = await robbed(town)

    await using work = mend(town.peers)
    for (const mender of work.menders) mender.note(unwanted)
    await until('the shard is there again', () => has(victim, wanted))
    await until('all is well', () => isWell(work, '4+2'))

    assert.equal(await has(victim, unwanted), false)
    assert.equal(victim.leases.book.wants(unwanted), 'unwanted')
  })

  it('do not take over what was left by a crash, and have it wait to be removed', async () => {
    await using town = await neighbourhood({ peers: 6, membership })
    await put(town.peers[0]!)
    const [holder, ...others] = town.peers as [Neighbour, ...Neighbour[]]
    const orphan = sampleShard(random, { k: 1, n: 3, index: 0 })
    const { block } = orphan.layout
    await holder.store.put(orphan)

    await using work = mend(town.peers)
    await until('it is noted', () => holder.leases.book.wants(block) === 'unwanted')
    await until('all is well', () => isWell(work, '4+2'))

    assert.deepEqual(holder.leases.sweep.waiting(), { blocks: 1, bytes: orphan.bytes.length })
    for (const other of others) assert.equal(await has(other, block), false)
  })

  it('fill the book of a holder that has lost it from those of the others', async () => {
    await using town = await neighbourhood({ peers: 6, membership })
    const owner = town.peers[0]!
    const loser = town.peers[place]!
    const root = await put(owner)
    const blocks: Address[] = []
    for await (const { block } of loser.store.list()) blocks.push(block)
    for (const block of blocks) await loser.leases.book.settle(block, async () => 0)
    assert.ok(blocks.length > 0)

    await using _work = mend(town.peers)
    const { id } = owner.leases.own.of(formatAddress(root))[0]!
    await until('all leases are there again', () => {
      return blocks.every((each) => loser.leases.book.of(each).some((lease) => lease.id === id))
    })
    assert.equal(loser.leases.sweep.waiting().blocks, 0)

    await remove(owner, root)
    for (const block of blocks) assert.equal(loser.leases.book.wants(block), 'unwanted')
  })
})
