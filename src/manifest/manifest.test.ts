import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressOf, formatAddress, type Address } from '../address/address.ts'
import { between, seededRandom } from '../base/random.ts'
import { readKeysOf, unwrapKey } from '../crypto/keys.ts'
import {
  childrenMax,
  decodeNode,
  encodeInline,
  encodeNode,
  inlineBytesMax,
  segmentBytes,
  wrapOf,
  type Child,
  type SealedNode,
} from './node.ts'
import { openNode, segmentsIn, type SegmentPart } from './reader.ts'
import { ManifestWriter, writeInline } from './writer.ts'

const keys = readKeysOf(new Uint8Array(32).fill(7))

/** Blocks by address, and how often each was fetched. */
function shelf() {
  const blocks = new Map<string, Uint8Array>()
  const fetched: string[] = []
  return {
    blocks,
    fetched,
    emit: async (block: Uint8Array): Promise<Address> => {
      const address = addressOf('dag-cbor', 'blake3', block)
      blocks.set(formatAddress(address), block)
      return address
    },
    fetch: async (address: Address): Promise<Uint8Array> => {
      fetched.push(formatAddress(address))
      return blocks.get(formatAddress(address))!
    },
  }
}

/** A segment that was not made from content: the tree does not look inside. */
function segment(index: number, size = segmentBytes): Child {
  const name = Buffer.alloc(32)
  name.writeUInt32BE(index)
  return { address: addressOf('raw', 'blake3', name), key: new Uint8Array(name), size }
}

/** The address of some node. */
function node(): Address {
  return addressOf('dag-cbor', 'blake3', new Uint8Array(1))
}

async function write(sizes: number[]) {
  const store = shelf()
  const writer = new ManifestWriter(keys, store.emit)
  for (const [index, size] of sizes.entries()) await writer.add(segment(index, size))
  return { store, link: await writer.finish() }
}

async function parts(source: AsyncIterable<SegmentPart>): Promise<SegmentPart[]> {
  const all: SegmentPart[] = []
  for await (const part of source) all.push(part)
  return all
}

describe('a manifest', () => {
  it('has one node up to 1,024 segments and grows a level above', async () => {
    const full = Array.from({ length: childrenMax }, () => segmentBytes)
    const one = await write(full)
    assert.equal(one.store.blocks.size, 1)
    assert.equal((await openNode(one.link, one.store.fetch)).depth, 1)

    const two = await write([...full, 5])
    assert.equal(two.store.blocks.size, 3)
    const root = await openNode(two.link, two.store.fetch)
    assert.equal(root.depth, 2)
    assert.equal(root.size, childrenMax * segmentBytes + 5)
  })

  it('is as deep as it must be, at every border of the fan-out', async () => {
    const zeros = segment(0) // The same segment all over: as a file of zeros has it.
    const borders = [
      [1, 1],
      [childrenMax - 1, 1],
      [childrenMax, 1],
      [childrenMax + 1, 2],
      [2 * childrenMax, 2],
      [2 * childrenMax + 1, 2],
    ] as const
    for (const [count, depth] of borders) {
      const store = shelf()
      const writer = new ManifestWriter(keys, store.emit)
      for (let index = 0; index < count; index++) await writer.add(zeros)
      const link = await writer.finish()
      const root = await openNode(link, store.fetch)
      assert.deepEqual([root.depth, root.size], [depth, count * segmentBytes], `${count} segments`)

      store.fetched.length = 0
      const end = await parts(
        segmentsIn(root, { start: root.size - 1, end: root.size }, store.fetch),
      )
      assert.deepEqual(end, [{ ...zeros, start: segmentBytes - 1, end: segmentBytes }])
      assert.equal(store.fetched.length, depth - 1, 'one node of each level below the root')
    }
  })

  it('of a tebibyte and a little more is read at its end through one node of each level', async () => {
    // Every child is the same, as in a file of zeros, so that three nodes make the whole.
    const store = shelf()
    const zeros = segment(0)
    const nodeOver = async (depth: number, children: Child[], isRoot = false): Promise<Child> => {
      const { block, key, size } = encodeNode(keys, depth, children, isRoot)
      return { address: await store.emit(block), key, size }
    }
    const gibibyte = await nodeOver(1, Array<Child>(childrenMax).fill(zeros))
    const tebibyte = await nodeOver(2, Array<Child>(childrenMax).fill(gibibyte))
    const rest = await nodeOver(2, [await nodeOver(1, [{ ...zeros, size: 5 }])])
    const root = await openNode(await nodeOver(3, [tebibyte, rest], true), store.fetch)
    assert.equal(root.size, 2 ** 40 + 5)

    store.fetched.length = 0
    const range = { start: 2 ** 40 - 1, end: 2 ** 40 + 2 }
    const touched = await parts(segmentsIn(root, range, store.fetch))
    assert.deepEqual(touched, [
      { ...zeros, start: segmentBytes - 1, end: segmentBytes },
      { ...zeros, size: 5, start: 0, end: 2 },
    ])
    assert.equal(store.fetched.length, 4, 'two nodes of each level below the root')
  })

  it('gives back every segment in order, and for any range only those it touches', async () => {
    const random = seededRandom(11)
    const count = 2 * childrenMax + 77
    const sizes = Array.from({ length: count }, (_, i) => (i === count - 1 ? 1234 : segmentBytes))
    const { store, link } = await write(sizes)
    const root = await openNode(link, store.fetch)
    const whole = await parts(segmentsIn(root, { start: 0, end: root.size }, store.fetch))
    assert.deepEqual(
      whole.map((part) => part.size),
      sizes,
    )
    assert.ok(whole.every((part, i) => part.address.equals(segment(i).address)))

    for (let round = 0; round < 50; round++) {
      const start = between(random, 0, root.size)
      const end = between(random, start + 1, Math.min(root.size, start + 5 * segmentBytes) + 1)
      store.fetched.length = 0
      const touched = await parts(segmentsIn(root, { start, end }, store.fetch))
      const first = Math.floor(start / segmentBytes)
      assert.equal(touched[0]!.start, start % segmentBytes)
      assert.ok(touched.every((part, i) => part.address.equals(segment(first + i).address)))
      assert.equal(
        touched.reduce((sum, part) => sum + part.end - part.start, 0),
        end - start,
      )
      assert.ok(store.fetched.length <= 2, 'at most two nodes of the lower level')
    }
  })

  it('is the same for the same segments, and another for another', async () => {
    const [a, b, c] = [
      await write([segmentBytes, 9]),
      await write([segmentBytes, 9]),
      await write([segmentBytes, 8]),
    ]
    assert.ok(a.link.address.equals(b.link.address))
    assert.ok(!a.link.address.equals(c.link.address))
  })

  it('keeps a small blob inside the root, the empty one too', async () => {
    for (const size of [0, 1, inlineBytesMax]) {
      const store = shelf()
      const plaintext = seededRandom(size).bytes(size)
      const link = await writeInline(keys, plaintext, store.emit)
      const root = await openNode(link, store.fetch)
      assert.deepEqual('data' in root && Buffer.from(root.data), Buffer.from(plaintext))
    }
  })

  it('opens for whoever has the read secret, from the address alone', async () => {
    const { store, link } = await write([segmentBytes, 9])
    const wrapped = wrapOf(await store.fetch(link.address))!
    assert.deepEqual(Buffer.from(unwrapKey(keys, wrapped)!), Buffer.from(link.key))
    const others = readKeysOf(new Uint8Array(32).fill(8))
    assert.equal(unwrapKey(others, wrapped), undefined)
  })

  it('tells no key and no content without the read secret', async () => {
    const { store } = await write([segmentBytes, 9])
    const block = Buffer.from([...store.blocks.values()][0]!)
    assert.equal(block.indexOf(Buffer.from(segment(1).key)), -1)
  })

  it('refuses bytes that are no node, and says what is wrong', () => {
    assert.throws(() => decodeNode(new Uint8Array([0xff]), keys.wrap), /not a node of a manifest/)
    assert.throws(() => decodeNode(new Uint8Array([0x01]), keys.wrap), /it is not a map/)
  })
})

describe('a manifest with a false node in it', () => {
  /** A root over two nodes, of which the enemy has put `below` in the place of the second. */
  async function planted(below: SealedNode) {
    const store = shelf()
    const full = Array.from({ length: childrenMax }, (_, index) => segment(index))
    const honest = encodeNode(keys, 1, full, false)
    const first = { ...honest, address: await store.emit(honest.block) }
    const second = { ...below, address: await store.emit(below.block), size: 5 }
    const sealed = encodeNode(keys, 2, [first, second], true)
    const root = decodeNode(sealed.block, sealed.key)
    return { root, store }
  }

  const falseNodes: Record<string, SealedNode> = {
    'of another size': encodeNode(keys, 1, [segment(0, 6)], false),
    'of the same depth': encodeNode(keys, 2, [{ ...segment(0, 5), address: node() }], false),
    'that holds the data itself': encodeInline(keys, new Uint8Array(5)),
  }
  for (const [what, below] of Object.entries(falseNodes)) {
    it(`is read up to there, and refused there: a child ${what}`, async () => {
      const { root, store } = await planted(below)
      const range = { start: root.size - segmentBytes, end: root.size }
      const reading = segmentsIn(root, range, store.fetch)

      const first = await reading.next()
      assert.ok(!first.done && first.value.start === 5)
      await assert.rejects(reading.next(), {
        code: 'bad-input',
        message: /does not fit its parent/,
      })
    })
  }

  it('is read where the range does not touch it', async () => {
    const { root, store } = await planted(encodeInline(keys, new Uint8Array(5)))
    const touched = await parts(segmentsIn(root, { start: 0, end: 10 }, store.fetch))
    assert.equal(touched.length, 1)
  })

  it('has no segments to give when the blob is inside its root', async () => {
    const sealed = encodeInline(keys, new Uint8Array(5))
    const root = decodeNode(sealed.block, sealed.key)
    const reading = segmentsIn(root, { start: 0, end: 5 }, shelf().fetch)
    await assert.rejects(reading.next(), { code: 'bad-input' })
  })
})
