import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as dagCbor from '@ipld/dag-cbor'
import { CID } from 'multiformats/cid'
import { addressOf, type Address, type Codec } from '../address/address.ts'
import { isDreyError } from '../base/error.ts'
import { readKeysOf } from '../crypto/keys.ts'
import {
  childrenMax,
  decodeNode,
  encodeInline,
  encodeNode,
  inlineBytesMax,
  segmentBytes,
  spanAt,
  wrapOf,
} from './node.ts'

const keys = readKeysOf(new Uint8Array(32).fill(7))
const key = new Uint8Array(32)

function kid(index: number, codec: Codec = 'raw'): Address {
  return addressOf(codec, 'blake3', Uint8Array.of(index >>> 8, index))
}

/** A node of two segments, with some fields as an enemy would have them. */
function forged(fields: Record<string, unknown>): Uint8Array {
  const honest = { v: 1, size: segmentBytes + 1, depth: 1, kids: [kid(0), kid(1)] }
  const all = { ...honest, keys: new Uint8Array(64), ...fields }
  const given = Object.entries(all).filter(([, value]) => value !== undefined)
  return dagCbor.encode(Object.fromEntries(given))
}

function refuses(block: Uint8Array, why: RegExp): void {
  assert.throws(
    () => decodeNode(block, key),
    (error) => isDreyError(error, 'bad-input') && why.test(error.message),
  )
}

describe('A node of a manifest', () => {
  it('is accepted when it is honest', () => {
    const node = decodeNode(forged({}), key)
    assert.deepEqual('children' in node && node.children.map(({ size }) => size), [segmentBytes, 1])
  })

  it('may say more than this Drey knows', () => {
    assert.equal(decodeNode(forged({ note: 'from a later one' }), key).depth, 1)
  })

  const hostile: Record<string, [RegExp, Record<string, unknown>]> = {
    'of a newer version': [/its version is 2, this Drey reads 1/, { v: 2 }],
    'without a version': [/its version is undefined/, { v: undefined }],
    'of less than nothing': [/its size is not a size/, { size: -1 }],
    'of half a byte': [/its size is not a size/, { size: 1.5 }],
    'of more bytes than a number can count': [/its size is not a size/, { size: 2n ** 60n }],
    'of no size': [/its size is not a size/, { size: undefined }],
    'with one child too few for its size': [/do not add up/, { size: 2 * segmentBytes + 1 }],
    'with one child too many for its size': [/do not add up/, { size: segmentBytes }],
    'with children of nothing': [/children of nothing/, { size: 0, kids: [], keys: Buffer.of() }],
    'without children': [/do not add up/, { kids: undefined }],
    'with a map of children': [/do not add up/, { kids: { length: 2 } }],
    'with a key too few': [/not a key for each/, { keys: new Uint8Array(32) }],
    'with half a key too many': [/not a key for each/, { keys: new Uint8Array(80) }],
    'with no keys': [/not a key for each/, { keys: undefined }],
    'with keys in text': [/a field is not bytes/, { keys: 'x'.repeat(64) }],
    'with a wrapped key in text': [/a field is not bytes/, { wrap: 'x'.repeat(48) }],
    'deeper than any blob': [/its depth is not one/, { depth: 5 }],
    'of a depth below zero': [/its depth is not one/, { depth: -1 }],
    'of half a depth': [/its depth is not one/, { depth: 0.5 }],
    'of a depth that its children do not need': [/do not add up/, { depth: 2 }],
    'with a text for a child': [/it is not a CID/, { kids: [kid(0), String(kid(1))] }],
    'with a child of CID version 0': [
      /version 0/,
      { kids: [kid(0), CID.parse('QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n')] },
    ],
    'with a child of another codec': [
      /its codec is 0x70/,
      { kids: [kid(0), CID.createV1(0x70, kid(1).multihash)] },
    ],
    'with a node where a segment should be': [
      /a child at its depth is not raw/,
      { kids: [kid(0), kid(1, 'dag-cbor')] },
    ],
    'with a segment where a node should be': [
      /a child at its depth is not dag-cbor/,
      { depth: 2, size: spanAt(2) + 1 },
    ],
    'whose data is longer than it says': [
      /not of its size/,
      { depth: 0, size: 1, data: new Uint8Array(2) },
    ],
    'whose data is missing': [/not of its size/, { depth: 0, size: 1 }],
    'whose data is too large to be inside': [
      /not of its size/,
      { depth: 0, size: inlineBytesMax + 1, data: new Uint8Array(inlineBytesMax + 1) },
    ],
  }
  for (const [what, [why, fields]] of Object.entries(hostile)) {
    it(`is refused ${what}`, () => refuses(forged(fields), why))
  }

  it('is refused with more children than a node may have', () => {
    const kids = Array.from({ length: childrenMax + 1 }, (_, index) => kid(index))
    const size = kids.length * segmentBytes
    refuses(forged({ size, kids, keys: new Uint8Array(32 * kids.length) }), /do not add up/)
  })

  it('is refused when it is no map, or no DAG-CBOR', () => {
    for (const value of [null, 7, 'text', [1, 2], Uint8Array.of(1)]) {
      refuses(dagCbor.encode(value), /not a node of a manifest/)
    }
    refuses(Uint8Array.of(), /not a node of a manifest/)
    assert.throws(() => wrapOf(Uint8Array.of(0xff)), { code: 'bad-input' })
  })

  it('is refused cut off anywhere, or with something behind', () => {
    const block = encodeInline(keys, Buffer.from("A drey is a squirrel's nest.")).block
    for (let end = 0; end < block.length; end++) refuses(block.subarray(0, end), /not a node/)
    refuses(Buffer.concat([block, Buffer.of(0)]), /not a node/)
  })

  it('keeps its children when the memory that it was read from is used again', () => {
    const child = { address: kid(0), key: new Uint8Array(32).fill(9), size: segmentBytes }
    const sealed = encodeNode(keys, 1, [child, { ...child, size: 1 }], true)
    const memory = sealed.block.slice()
    const node = decodeNode(memory, sealed.key)
    memory.fill(0)

    assert.ok('children' in node && node.children[0]!.address.equals(child.address))
    assert.deepEqual('children' in node && node.children[1]!.key, child.key)
  })

  it('carries its wrapped key when it is a root, and only then', () => {
    const child = { address: kid(0), key, size: segmentBytes }
    assert.equal(wrapOf(encodeNode(keys, 1, [child], true).block)?.length, 48)
    assert.equal(wrapOf(encodeNode(keys, 1, [child], false).block), undefined)
  })
})
