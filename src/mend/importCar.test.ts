import { CarReader } from '@ipld/car'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CID } from 'multiformats/cid'
import { blake3 } from '@noble/hashes/blake3.js'
import { formatAddress, type Address } from '../address/address.ts'
import { collect, concat } from '../base/bytes.ts'
import { isDreyError } from '../base/error.ts'
import { between, seededRandom } from '../base/random.ts'
import { writeCar, type SealedBlock } from '../folder/car.ts'
import { fetchBlob, neighbourhood, torn, type Neighbour } from '../node/neighbourhood.ts'
import { importCar } from './importCar.ts'
import { Survey } from './survey.ts'

const code = { k: 2, n: 3 }
const random = seededRandom(61)
const film = random.bytes(2_500_000)
const { signal } = new AbortController()

function importAt({ node }: Neighbour, car: Uint8Array) {
  const aims = () => ({ set: code, target: code, now: code, members: 3 })
  const parts = { node, survey: new Survey(node.circle), aims }
  return importCar(torn(car, random), parts, { signal })
}

async function* sealedOf({ node }: Neighbour, root: Address): AsyncGenerator<SealedBlock> {
  for await (const address of node.blocksOf(root)) {
    yield { address, bytes: await node.block(address) }
  }
}

const exportAt = (at: Neighbour, root: Address) => collect(writeCar(root, sealedOf(at, root)))

/** A film's blocks, from a swarm that is gone. */
async function filmCar(): Promise<{ car: Uint8Array; address: Address; key: Uint8Array }> {
  await using town = await neighbourhood({ peers: 3, code })
  const [first] = town.peers as [Neighbour]
  const { address, key } = await first.node.put(torn(film))
  return { car: await exportAt(first, address), address, key }
}

describe('A CAR', () => {
  it('has blocks that others verify, with the blob’s address as its root', async () => {
    const { car, address } = await filmCar()
    const reader = await CarReader.fromBytes(car)
    assert.deepEqual((await reader.getRoots()).map(String), [formatAddress(address)])
    let count = 0
    for await (const { cid, bytes } of reader.blocks()) {
      const { multihash } = CID.parse(String(cid))
      assert.equal(multihash.code, 0x1e)
      assert.deepEqual(multihash.digest, blake3(bytes))
      count += 1
    }
    assert.equal(count, 4)
  })

  it('is imported into another swarm, and read there with the key alone', async () => {
    const { car, address, key } = await filmCar()
    await using town = await neighbourhood({ peers: 4, code, role: () => 'storage' })
    const done = await importAt(town.peers[0]!, car)
    assert.deepEqual([done.address, done.blocks, done.newBlocks], [formatAddress(address), 4, 4])
    const blob = await town.peers[3]!.node.find(address, key)
    const back = await collect(town.peers[3]!.node.read(blob, { start: 0, end: blob.size }))
    assert.ok(Buffer.from(back).equals(film))
    const again = await importAt(town.peers[1]!, car)
    assert.equal(again.newBlocks, 0)
  })

  it('is refused wherever it breaks off, and then nothing of it is wanted', async () => {
    const { car } = await filmCar()
    await using town = await neighbourhood({ peers: 3, code })
    const [first] = town.peers as [Neighbour]
    const ends = [0, 1, 30, 60, 70, car.length - 1]
    const reader = await CarReader.fromBytes(car)
    const blocks = await Array.fromAsync(reader.blocks())
    for (let at = 0; at < 6; at++) ends.push(between(random, 0, car.length))
    ends.push(car.length - blocks.at(-1)!.bytes.length - 36 - 3) // Between blocks.
    for (const end of ends) {
      await assert.rejects(importAt(first, car.subarray(0, end)), (error) =>
        isDreyError(error, 'bad-input'),
      )
    }
    assert.deepEqual(first.leases.own.list({ sort: 'time', limit: 9 }).blobs, [])
    assert.deepEqual(first.leases.own.unfinished(), [])
  })

  it('is refused when a byte of it is not what it was', async () => {
    const { car } = await filmCar()
    await using town = await neighbourhood({ peers: 3, code })
    for (let round = 0; round < 20; round++) {
      const wrong = new Uint8Array(car)
      const at = round < 10 ? between(random, 0, 200) : between(random, 0, car.length)
      wrong[at]! ^= 1 << between(random, 0, 8)
      await assert.rejects(importAt(town.peers[0]!, wrong), (error) =>
        isDreyError(error, 'bad-input'),
      )
    }
  })

  it('of other blocks than Drey’s is refused, and so is one that announces more than memory holds', async () => {
    await using town = await neighbourhood({ peers: 3, code })
    const bytes = new TextEncoder().encode('hello')
    const foreign = CID.parse('bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi')
    const car = await collect(
      writeCar(
        foreign,
        (async function* () {
          yield { address: foreign, bytes }
        })(),
      ),
    )
    await assert.rejects(importAt(town.peers[0]!, car), (error) => isDreyError(error, 'bad-input'))
    const { car: whole, address } = await filmCar()
    const huge = concat([
      whole.subarray(0, whole[0]! + 1),
      Buffer.from('ffffffff0f', 'hex'),
      address.bytes,
    ])
    const much = concat([huge, new Uint8Array(12 << 20)])
    await assert.rejects(importAt(town.peers[0]!, much), /larger than any of Drey/)
  })

  it('gives every byte that was in a small blob', async () => {
    await using town = await neighbourhood({ peers: 3, code })
    const [first] = town.peers as [Neighbour]
    const { address } = await first.node.put(torn(film.slice(0, 100)))
    const car = await exportAt(first, address)
    await importAt(first, car)
    assert.ok((await fetchBlob(first, address)).equals(film.subarray(0, 100)))
  })
})
