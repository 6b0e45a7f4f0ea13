import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressOf, formatAddress, parseAddress, type Address } from '../src/address/address.ts'
import { blake3 } from '../src/address/blake3.ts'
import { hashCodes, type HashName } from '../src/address/hash.ts'
import { formatLink } from '../src/address/link.ts'
import { fromHex, toHex } from '../src/base/bytes.ts'
import { cipherAt, cryptInPlace } from '../src/crypto/ctr.ts'
import { contentKey, readKeysOf, unwrapKey, wrapKey, type ReadKeys } from '../src/crypto/keys.ts'
import { decodeNode, segmentBytes, wrapOf, type Child } from '../src/manifest/node.ts'
import { ManifestWriter, writeInline } from '../src/manifest/writer.ts'
import { placementOrder } from '../src/node/placement.ts'
import keyVectors from './vectors/key.json' with { type: 'json' }
import manifestVectors from './vectors/manifest.json' with { type: 'json' }
import placementVectors from './vectors/placement.json' with { type: 'json' }
import sealedVectors from './vectors/sealed-block.json' with { type: 'json' }

const readSecret = fromHex(manifestVectors.readSecret)
const keys = readKeysOf(readSecret)

/** Byte i of a blob is i mod 251; these are its bytes from `start`. */
function ruled(size: number, start = 0): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (start + index) % 251)
}

function plaintextOf(vector: { plaintext?: string; plaintextBytes?: number }): Uint8Array {
  if (vector.plaintext === undefined) return ruled(vector.plaintextBytes!)
  return new TextEncoder().encode(vector.plaintext)
}

function sealed(plaintext: Uint8Array): { key: Uint8Array; block: Uint8Array } {
  const key = contentKey(keys.segment, plaintext)
  const block = plaintext.slice()
  cryptInPlace(key, 0, block)
  return { key, block }
}

describe('The keys of a swarm, as they were promised,', () => {
  for (const { readSecret, derived, contentKeys, wraps, refused } of keyVectors.secrets) {
    const own = readKeysOf(fromHex(readSecret))

    it(`are derived from the read secret ${readSecret.slice(0, 8)}…`, () => {
      for (const { name, context, key } of derived) {
        assert.equal(toHex(own[name as keyof ReadKeys]), key)
        assert.equal(toHex(blake3.derive(context, fromHex(readSecret))), key)
      }
      assert.equal(derived.length, Object.keys(own).length)
    })

    it(`make the keys of contents (${readSecret.slice(0, 8)}…)`, () => {
      for (const vector of contentKeys) {
        const under = own[vector.under as keyof ReadKeys]
        assert.equal(toHex(contentKey(under, plaintextOf(vector))), vector.key)
      }
    })

    it(`wrap the keys of roots (${readSecret.slice(0, 8)}…)`, () => {
      for (const { key, check, sealed, wrapped } of wraps) {
        assert.equal(wrapped, check + sealed)
        assert.equal(toHex(wrapKey(own, fromHex(key))), wrapped)
        assert.equal(toHex(unwrapKey(own, fromHex(wrapped))!), key)
      }
      for (const { why, wrapped } of refused) {
        assert.equal(unwrapKey(own, fromHex(wrapped)), undefined, why)
      }
    })
  }
})

describe('A sealed segment, as it was promised,', () => {
  for (const vector of sealedVectors.blocks) {
    const plaintext = plaintextOf(vector)

    it(`is made of ${plaintext.length} bytes, and opened`, () => {
      const { key, block } = sealed(plaintext)
      assert.equal(toHex(key), vector.key)
      if (vector.block !== undefined) assert.equal(toHex(block), vector.block)
      for (const { offset, bytes } of vector.pieces ?? []) {
        const piece = fromHex(bytes)
        assert.deepEqual(block.slice(offset, offset + piece.length), piece)
        const opened = new Uint8Array(cipherAt(key, offset).update(piece))
        assert.deepEqual(opened, plaintext.slice(offset, offset + piece.length))
      }
      for (const hash of Object.keys(hashCodes) as HashName[]) {
        assert.equal(formatAddress(addressOf('raw', hash, block)), vector.addresses[hash])
      }
    })
  }
})

interface RootVector {
  address: string
  size: number
  key: string
  wrap: string
  link: string
}

/** A node's block: whole, or how it begins. */
interface NodeVector {
  address: string
  block?: string
  blockBytes?: number
  blockBegins?: string
}

function checkRoot(
  link: { address: Address; key: Uint8Array; size: number },
  block: Uint8Array,
  vector: RootVector,
): void {
  assert.equal(formatAddress(link.address), vector.address)
  assert.equal(toHex(link.key), vector.key)
  assert.equal(link.size, vector.size)
  assert.equal(formatLink(link), vector.link)
  assert.equal(toHex(wrapOf(block)!), vector.wrap)
  assert.equal(toHex(unwrapKey(keys, fromHex(vector.wrap))!), vector.key)
}

/** Keeps the blocks that a writer gives away. */
function shelf(hash: HashName = 'blake3') {
  const blocks: Uint8Array[] = []
  const emit = (block: Uint8Array): Promise<Address> => {
    blocks.push(block)
    return Promise.resolve(addressOf('dag-cbor', hash, block))
  }
  return { blocks, emit }
}

describe('A manifest, as it was promised,', () => {
  for (const { plaintext, hash, root, block } of manifestVectors.inline) {
    it(`holds "${plaintext}" in its root (${hash})`, async () => {
      const { blocks, emit } = shelf(hash as HashName)
      const bytes = new TextEncoder().encode(plaintext)
      const link = await writeInline(keys, bytes, emit)
      assert.deepEqual(blocks.map(toHex), [block])
      checkRoot(link, blocks[0]!, root)

      const opened = decodeNode(fromHex(block), fromHex(root.key))
      assert.deepEqual('data' in opened && opened.data, bytes)
    })
  }

  for (const { about, size, segments, nodes, root } of manifestVectors.trees) {
    it(`stands over ${about}`, async () => {
      const { blocks, emit } = shelf()
      const writer = new ManifestWriter(keys, emit)
      const children = typeof segments === 'string' ? imagined() : segmentsOf(size)
      if (typeof segments !== 'string') {
        const made = children.map(({ address, key, size }) => {
          return { size, key: toHex(key), address: formatAddress(address) }
        })
        assert.deepEqual(made, segments)
      }
      for (const child of children) await writer.add(child)
      checkRoot(await writer.finish(), blocks.at(-1)!, root)

      const shown: NodeVector[] = nodes
      assert.equal(blocks.length, shown.length)
      for (const [index, { address, block, blockBytes, blockBegins }] of shown.entries()) {
        const made = blocks[index]!
        assert.equal(formatAddress(addressOf('dag-cbor', 'blake3', made)), address)
        assert.equal(made.length, blockBytes ?? block!.length / 2)
        assert.ok(toHex(made).startsWith(blockBegins ?? block!))
      }
    })
  }

  /** The segments of the blob of this size. */
  function segmentsOf(size: number): Child[] {
    return Array.from({ length: Math.ceil(size / segmentBytes) }, (_, index) => {
      const start = index * segmentBytes
      const plaintext = ruled(Math.min(segmentBytes, size - start), start)
      const { key, block } = sealed(plaintext)
      return { address: addressOf('raw', 'blake3', block), key, size: plaintext.length }
    })
  }

  /** 1,025 segments that are nothing but their numbers. */
  function imagined(): Child[] {
    return Array.from({ length: 1025 }, (_, index) => {
      const number = Buffer.alloc(4)
      number.writeUInt32BE(index)
      const size = index < 1024 ? segmentBytes : 5
      return { address: addressOf('raw', 'blake3', number), key: blake3.hash(number), size }
    })
  }
})

describe('The order of placement, as it was promised,', () => {
  for (const { about, members, orders } of [
    ...placementVectors.swarms,
    ...placementVectors.zoned,
  ]) {
    it(`is the same everywhere, for ${about}`, () => {
      for (const { address, order } of orders) {
        const shuffled = members.toReversed()
        const computed = placementOrder(parseAddress(address), shuffled)
        assert.deepEqual(
          computed.map(({ id }) => id),
          order.map((at) => members[at]!.id),
        )
      }
    })
  }

  for (const { about, members, orders } of placementVectors.swarms) {
    it(`stays for all others when a member leaves, for ${about}`, () => {
      for (const { address, order } of orders) {
        for (const gone of members) {
          const rest = members.filter((member) => member !== gone)
          const expected = order.map((at) => members[at]!.id).filter((id) => id !== gone.id)
          const computed = placementOrder(parseAddress(address), rest)
          assert.deepEqual(
            computed.map(({ id }) => id),
            expected,
          )
        }
      }
    })
  }

  it('gives each member its share, by what it offers', () => {
    const members = [1, 2, 5].map((tebibytes) => {
      return { id: `member of ${tebibytes}`, capacity: tebibytes * 2 ** 40 }
    })
    const first = new Map(members.map(({ id }) => [id, 0]))
    const blocks = 8000
    for (let block = 0; block < blocks; block++) {
      const address = addressOf('raw', 'blake3', Buffer.from(String(block)))
      const { id } = placementOrder(address, members)[0]!
      first.set(id, first.get(id)! + 1)
    }
    for (const { id, capacity } of members) {
      const share = capacity / (8 * 2 ** 40)
      const spread = Math.sqrt(blocks * share * (1 - share)) // Beyond five of them is no chance.
      assert.ok(Math.abs(first.get(id)! - blocks * share) < 5 * spread, `${id}: ${first.get(id)}`)
    }
  })
})
