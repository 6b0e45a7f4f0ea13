import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressOf, codecs, formatAddress, type Address } from '../address/address.ts'
import { systemClock } from '../base/clock.ts'
import { isDreyError } from '../base/error.ts'
import { seededRandom } from '../base/random.ts'
import { fileEntry, listingOf } from '../folder/fixture.ts'
import type { Stored } from '../node/put.ts'
import { fetchBlob, neighbourhood, torn, type Neighbour } from '../node/neighbourhood.ts'
import { keepBlob, type KeepOptions } from './keepBlob.ts'
import { Survey } from './survey.ts'

const code = { k: 4, n: 6 }
const film = seededRandom(21).bytes(2_500_000)
const { signal } = new AbortController()

function keepAt({ node }: Neighbour, root: Address, options: Partial<KeepOptions> = {}) {
  const aims = () => ({ set: code, target: code, now: code, members: 6 })
  const parts = { node, survey: new Survey(node.circle), aims }
  return keepBlob(root, parts, { signal, ...options })
}

async function removeAt({ node, leases }: Neighbour, root: Address): Promise<void> {
  const secrets = leases.own.of(formatAddress(root)).map(({ secret }) => secret)
  await node.leasing.end(secrets, signal)
}

/** The owners of the leases on each block at each of its holders. */
async function ownersOf(peers: readonly Neighbour[]): Promise<string[][]> {
  const all: string[][] = []
  for (const { store, leases } of peers) {
    for await (const { block } of store.list()) {
      all.push(leases.book.of(block).map(({ owner }) => owner))
    }
  }
  return all
}

/** A folder with a small file, and in it another with a film. */
async function putNested({ node }: Neighbour, said: { size?: number } = {}): Promise<Stored> {
  const put = (bytes: Uint8Array) => node.put(torn(bytes))
  const acorn = { ...fileEntry('acorn', 10), link: await put(film.slice(0, 10)) }
  const reel = { ...fileEntry('film', film.length), link: await put(film), ...said }
  const inner = await put(listingOf([reel]))
  const size = film.length
  const box = {
    ...acorn,
    name: Buffer.from('box'),
    type: 'folder',
    link: inner,
    size,
    count: 1,
  } as const
  return put(listingOf([acorn, box]))
}

describe('Keeping what somebody else has stored', () => {
  it('leases every block at all who have shards of it, so that its owner may remove it', async () => {
    await using town = await neighbourhood({ peers: 8, code })
    const [owner, , , keeper] = town.peers as [Neighbour, Neighbour, Neighbour, Neighbour]
    const { address, receipt } = await owner.node.put(torn(film))

    const told: number[] = []
    const { blocks } = await keepAt(keeper, address, { report: (count) => told.push(count) })
    assert.equal(blocks, receipt.blocks)
    assert.equal(told.at(-1), blocks)
    for (const owners of await ownersOf(town.peers)) assert.deepEqual(owners, ['n0', 'n3'])

    await removeAt(owner, address)
    for (const owners of await ownersOf(town.peers)) assert.deepEqual(owners, ['n3'])
    assert.ok((await fetchBlob(town.peers[7]!, address)).equals(film))
    await removeAt(keeper, address)
    for (const owners of await ownersOf(town.peers)) assert.deepEqual(owners, [])
  })

  it('takes no key, and holds for as long as was asked', async () => {
    const role = (index: number) => (index === 5 ? 'storage' : 'reader')
    await using town = await neighbourhood({ peers: 6, code, role })
    const { address } = await town.peers[0]!.node.put(torn(film.slice(0, 1_000)))
    await keepAt(town.peers[5]!, address, { lease: { forMs: 60_000 } })
    for (const { store, leases } of town.peers) {
      for await (const { block } of store.list()) {
        const { expires, made } = leases.book.of(block).find(({ owner }) => owner === 'n5')!
        assert.equal(expires, made + 60_000)
      }
    }
  })

  it('leases all that is below a folder', async () => {
    await using town = await neighbourhood({ peers: 6, code })
    const [owner, keeper] = town.peers as [Neighbour, Neighbour]
    const { address } = await putNested(owner)
    await keepAt(keeper, address)
    for (const owners of await ownersOf(town.peers)) assert.ok(owners.includes('n1'))
  })

  it('leases nothing of a folder that says a file in it is smaller than it is', async () => {
    await using town = await neighbourhood({ peers: 6, code })
    const [owner, keeper] = town.peers as [Neighbour, Neighbour]
    const { address } = await putNested(owner, { size: 10 })
    await assert.rejects(keepAt(keeper, address), (error) => isDreyError(error, 'bad-input'))
    assert.deepEqual(keeper.leases.own.of(formatAddress(address)), [])
  })

  it('brings back what waits to be removed', async () => {
    await using town = await neighbourhood({ peers: 6, code })
    const { address } = await town.peers[0]!.node.put(torn(film))
    await removeAt(town.peers[0]!, address)
    for (const { leases } of town.peers) while (await leases.sweep.takeSome());

    await keepAt(town.peers[1]!, address)
    for (const { store, leases } of town.peers) {
      for await (const { block } of store.list()) assert.equal(leases.book.wants(block), 'wanted')
      assert.equal(leases.sweep.waiting().blocks, 0)
    }
  })

  it('fails when a block of it is lost, says which, and wants nothing of it then', async () => {
    await using town = await neighbourhood({ peers: 6, code })
    const { address } = await town.peers[0]!.node.put(torn(film))
    const names = (await town.shards()).get(0)!
    const lost = names.find(
      ({ block }) => block.code === codecs.raw && !block.equals(address),
    )!.block
    for (const { store } of town.peers.slice(0, 3)) {
      for (const name of await store.shardsOf(lost)) await store.delete(name)
    }

    await assert.rejects(keepAt(town.peers[1]!, address), (error) => {
      assert.ok(isDreyError(error, 'not-enough-shards'))
      assert.match(error.message, new RegExp(formatAddress(lost)))
      return true
    })
    assert.deepEqual(town.peers[1]!.leases.own.unfinished(), [])
    const isOver = async () =>
      (await ownersOf(town.peers)).every((owners) => String(owners) === 'n0')
    while (!(await isOver())) await systemClock.sleep(5)
  })

  it('fails when nobody has it', async () => {
    await using town = await neighbourhood({ peers: 6, code })
    const unknown = addressOf('dag-cbor', 'blake3', new Uint8Array([1]))
    await assert.rejects(keepAt(town.peers[1]!, unknown), (e) => isDreyError(e, 'not-found'))
    assert.deepEqual(town.peers[1]!.leases.own.of(formatAddress(unknown)), [])
    assert.deepEqual(town.peers[1]!.leases.own.unfinished(), [])
  })
})
