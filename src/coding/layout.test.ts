import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as dagCbor from '@ipld/dag-cbor'
import vector from '../../test/vectors/layout.json' with { type: 'json' }
import { addressOf, formatAddress, parseAddress } from '../address/address.ts'
import { blake3 } from '../address/blake3.ts'
import { fromHex, toHex } from '../base/bytes.ts'
import { shardBytesOf } from './code.ts'
import { openKernel, scratchBytes } from './kernel.ts'
import { decodeLayout, encodeLayout, isShard, layoutId, type Layout } from './layout.ts'
import { encode } from './reed-solomon.ts'

const encoded = fromHex(vector.encoded.map(([hex]) => hex).join(''))
const layout: Layout = {
  ...{ size: vector.layout.size, k: vector.layout.k, n: vector.layout.n },
  block: parseAddress(vector.layout.block),
  shards: vector.layout.shards.map(fromHex),
}

/** The block that the vector states, and its shards. */
function statedShards(): { block: Uint8Array; shards: Uint8Array[] } {
  const { size, k, n } = layout
  const shardBytes = shardBytesOf(layout, size)
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true })
  const data = new Uint8Array(memory.buffer, scratchBytes, size)
  for (let i = 0; i < size; i++) data[i] = 31 * i + 7 * Math.floor(i / 256) + 7
  encode(openKernel(memory, 0), { k, n }, shardBytes, scratchBytes, scratchBytes + k * shardBytes)
  const shards = Array.from({ length: n }, (_, index) =>
    new Uint8Array(memory.buffer, scratchBytes + index * shardBytes, shardBytes).slice(),
  )
  return { block: data.slice(), shards }
}

describe('a layout', () => {
  it('of the stated block has the stated address, shards, bytes and id', () => {
    const { block, shards } = statedShards()
    assert.equal(formatAddress(addressOf('raw', 'blake3', block)), vector.layout.block)
    assert.equal(shardBytesOf(layout, layout.size), vector.layout.shardBytes)
    assert.deepEqual(
      shards.map((shard) => toHex(blake3.hash(shard))),
      vector.layout.shards,
    )
    assert.equal(toHex(encodeLayout(layout)), toHex(encoded))
    assert.equal(layoutId(layout), vector.id)
  })

  it('is read as it was written', () => {
    const read = decodeLayout(encoded)
    assert.equal(formatAddress(read.block), vector.layout.block)
    assert.deepEqual([read.size, read.k, read.n], [layout.size, layout.k, layout.n])
    assert.deepEqual(read.shards.map(toHex), vector.layout.shards)
    assert.equal(layoutId(read), vector.id)
  })

  it('knows its shards, by index, from any other bytes', () => {
    const { shards } = statedShards()
    shards.forEach((shard, index) => assert.ok(isShard(layout, index, shard)))
    assert.ok(!isShard(layout, 1, shards[0]!))
    assert.ok(!isShard(layout, 0, shards[0]!.subarray(1)))
    assert.ok(!isShard(layout, 0, new Uint8Array()))
    assert.ok(!isShard(layout, 6, shards[0]!))
    assert.ok(!isShard(layout, -1, shards[0]!))
    shards[0]![1000]! ^= 1
    assert.ok(!isShard(layout, 0, shards[0]!))
  })

  it('keeps its hashes when the memory that it was read from is used again', () => {
    const memory = encoded.slice()
    const read = decodeLayout(memory)
    memory.fill(0)
    assert.equal(layoutId(read), vector.id)
  })
})

describe('bytes that are no layout', () => {
  const fields = dagCbor.decode<unknown[]>(encoded)
  const [version, block, size, k, n, hashes] = fields

  const refused: Record<string, unknown> = {
    'of a later version': [2, block, size, k, n, hashes],
    'with a field too few': [version, block, size, k, n],
    'with a field too many': [version, block, size, k, n, hashes, 0],
    'that are a map': { version, block, size, k, n, hashes },
    'without an address': [version, null, size, k, n, hashes],
    'with a text for an address': [version, vector.layout.block, size, k, n, hashes],
    'of nothing': [version, block, 0, k, n, hashes],
    'of less than nothing': [version, block, -1, k, n, hashes],
    'of half a byte': [version, block, 1.5, k, n, hashes],
    'of more bytes than a number can count': [version, block, 2n ** 60n, k, n, hashes],
    'with a map for a number': [version, block, size, { toString: 1 }, n, hashes],
    'with k above n': [version, block, size, 7, n, hashes],
    'with no k': [version, block, size, 0, n, hashes],
    'with more shards than the field has': [version, block, size, 200, 257, hashes],
    'with a hash too few': [version, block, size, k, n, (hashes as Uint8Array).subarray(32)],
    'with hashes in text': [version, block, size, k, n, 'x'.repeat(192)],
  }
  for (const [what, value] of Object.entries(refused)) {
    it(`are refused: ${what}`, () => {
      assert.throws(() => decodeLayout(dagCbor.encode(value)), { code: 'bad-input' })
    })
  }

  it('are refused wherever they were cut off, and with something behind', () => {
    for (let end = 0; end < encoded.length; end++) {
      assert.throws(() => decodeLayout(encoded.subarray(0, end)), { code: 'bad-input' })
    }
    assert.throws(() => decodeLayout(Buffer.concat([encoded, Buffer.of(0)])), { code: 'bad-input' })
  })
})
