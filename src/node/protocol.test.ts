import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressOf } from '../address/address.ts'
import { isDreyError } from '../base/error.ts'
import { encodeLayout, type Layout } from '../coding/layout.ts'
import type { Header } from '../transport/transporter.ts'
import * as protocol from './protocol.ts'

const block = addressOf('raw', 'blake3', new Uint8Array([1]))
const shards = [new Uint8Array(32), new Uint8Array(32).fill(1)]
const layout: Layout = { block, size: 1, k: 1, n: 2, shards }

function refuses(decode: (header: Header) => unknown, good: Header, bad: Header): void {
  decode(good)
  for (const [field, value] of Object.entries(bad)) {
    for (const each of value as unknown[]) {
      assert.throws(
        () => decode({ ...good, [field]: each }),
        (error) => isDreyError(error, 'protocol') || isDreyError(error, 'bad-input'),
        `${field}: ${String(each)}`,
      )
    }
  }
}

const notCounts = [undefined, null, -1, 0.5, NaN, Infinity, '1', 2 ** 60, [1], {}]
const notLists = [undefined, null, 'abc', 3, {}, new Array<number>(4097).fill(1), [-1], ['x', null]]
const notLayouts = ['x', new Uint8Array(), new Uint8Array(9), encodeLayout({ ...layout, k: 3 })]

describe('What members say', () => {
  it('is understood as it was meant', () => {
    assert.ok(protocol.decodeBlock(protocol.encodeHave(block)).equals(block))
    const held = [{ layout: 'ab', index: 3 }]
    assert.deepEqual(protocol.decodeHeld(protocol.encodeHeld(held)), held)
    const keep = protocol.decodeKeep(protocol.encodeKeep(layout, 1, []))
    assert.deepEqual(encodeLayout(keep.layout), encodeLayout(layout))
    for (const wanted of [
      { layout: 'ab', without: [1] },
      { layout: undefined, without: [] },
    ]) {
      assert.deepEqual(protocol.decodeFetch(protocol.encodeFetch(block, wanted)).wanted, wanted)
    }
    const answer = { fetched: { layout, index: 1, also: [0] }, rotted: [2] }
    const { fetched, rotted } = protocol.decodeAnswer(protocol.encodeAnswer(answer))
    assert.deepEqual([fetched?.index, fetched?.also, rotted], [1, [0], [2]])
    assert.deepEqual(protocol.decodeAnswer(protocol.encodeAnswer({ rotted: [] })), { rotted: [] })
  })

  it('may hold fields of a later version', () => {
    const later = { ...protocol.encodeHeld([{ layout: 'ab', index: 3 }]), mood: 'good' }

    assert.deepEqual(protocol.decodeHeld(later), [{ layout: 'ab', index: 3 }])
  })

  it('is refused when it names no block', () => {
    const cidOfVersion0 = { ...block, version: 0, multihash: { bytes: new Uint8Array(3) } }
    refuses(protocol.decodeBlock, protocol.encodeHave(block), {
      block: [undefined, null, 7, 'bafk', {}, { multihash: 1 }, cidOfVersion0],
    })
  })

  it('is refused when its shards are none', () => {
    const answer = { fetched: { layout, index: 1, also: [] }, rotted: [] }
    refuses(protocol.decodeAnswer, protocol.encodeAnswer(answer), {
      ...{ layout: [null, ...notLayouts], index: notCounts },
      ...{ also: notLists, rotted: notLists },
    })
    refuses(protocol.decodeKeep, protocol.encodeKeep(layout, 0, []), {
      ...{ layout: [undefined, ...notLayouts], index: notCounts },
    })
    refuses(protocol.decodeFetch, protocol.encodeFetch(block, { without: [] }), {
      without: notLists,
    })
  })

  it('is refused when two lists do not belong together', () => {
    refuses(protocol.decodeHeld, protocol.encodeHeld([{ layout: 'ab', index: 1 }]), {
      layouts: [...notLists, []],
      indexes: [...notLists, [], [1, 2]],
    })
  })
})
