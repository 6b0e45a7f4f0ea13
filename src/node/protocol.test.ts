import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressOf } from '../address/address.ts'
import { isDreyError } from '../base/error.ts'
import { encodeLayout, type Layout } from '../coding/layout.ts'
import type { Header } from '../transport/transporter.ts'
import * as protocol from './protocol.ts'

const block = addressOf('raw', 'blake3', new Uint8Array([1]))
const shards = [new Uint8Array(32), new Uint8Array(32).fill(1)]
const lease = { id: '0123456789abcdef'.repeat(2), owner: 'ann', made: 5 }
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

  it('of leases is understood as it was meant', () => {
    const some = [lease, { ...lease, owner: 'bob', expires: 9 }]
    assert.deepEqual(protocol.decodeHave(protocol.encodeHave(block, some)), { block, leases: some })
    const surveyed = protocol.decodeSurvey(protocol.encodeSurvey([block, block], some))
    assert.deepEqual(surveyed, { blocks: [block, block], leases: some })
    assert.deepEqual(protocol.decodeKeep(protocol.encodeKeep(layout, 1, some)).leases, some)
    assert.deepEqual(protocol.decodeHave(protocol.encodeHave(block)).leases, [])
    const inventory = { held: [{ layout: 'ab', index: 3 }], leases: 7 }
    assert.deepEqual(protocol.decodeSurveyed(protocol.encodeSurveyed([inventory]), 1), [inventory])

    const secrets = [new Uint8Array(16), new Uint8Array(16).fill(1)]
    assert.deepEqual(protocol.decodeSecrets(protocol.encodeEnd(secrets)), secrets)
    const place = { log: 'x', place: 3 }
    assert.deepEqual(protocol.decodeEndsFrom(protocol.encodeEndsFrom(place)), place)
    const ends = { ...place, secrets }
    assert.deepEqual(protocol.decodeEnds(protocol.encodeEnds(place, secrets)), ends)
    assert.deepEqual(protocol.decodeEnds(protocol.encodeEnds(place, [])), { ...place, secrets: [] })
  })

  it('is refused when its leases are none, or too many for one question', () => {
    const { leasesMax } = protocol
    const many = (count: number) => Array.from({ length: count }, () => lease)
    const wrong: Record<string, unknown[]> = {
      id: [undefined, 7, '', 'ab', 'AB'.repeat(16), 'a'.repeat(33), `${'a'.repeat(31)}\n`],
      owner: [undefined, 7, null, 'x'.repeat(129)],
      made: notCounts,
      expires: notCounts.filter((count) => count !== undefined),
    }
    const leases: unknown[] = [...notLists.slice(1), [null], [7], many(leasesMax + 1)]
    for (const [field, values] of Object.entries(wrong)) {
      for (const value of values) leases.push([{ ...lease, [field]: value }])
    }
    refuses(protocol.decodeHave, protocol.encodeHave(block, many(leasesMax)), { leases })
    refuses(protocol.decodeKeep, protocol.encodeKeep(layout, 0, [lease]), { leases })
    refuses(protocol.decodeSurvey, protocol.encodeSurvey([block], [lease]), {
      blocks: [...notLists, new Array(protocol.surveyMax + 1).fill(block)],
      leases,
    })
    const pages = protocol.leasePages(many(2 * leasesMax + 1)).map(({ length }) => length)
    assert.deepEqual(pages, [leasesMax, leasesMax, 1])
    assert.deepEqual(protocol.leasePages([]), [[]])
  })

  it('is refused when what ends leases is not that, or too much at once', () => {
    const { endsMax } = protocol
    const secrets: unknown[] = [undefined, null, 'abc', 3, []]
    for (const size of [1, 15, 17, 16 * endsMax + 16]) secrets.push(new Uint8Array(size))
    const all = Array.from({ length: endsMax }, () => new Uint8Array(16))
    refuses(protocol.decodeSecrets, protocol.encodeEnd(all), { secrets })
    const where = { log: [undefined, 7, 'x'.repeat(65)], place: notCounts }
    refuses(protocol.decodeEndsFrom, protocol.encodeEndsFrom({ log: 'x', place: 0 }), where)
    refuses(protocol.decodeEnds, protocol.encodeEnds({ log: 'x', place: 0 }, all), {
      ...{ ...where, secrets },
    })
  })

  it('is refused when it does not answer for every block that was asked about', () => {
    const inventory = { held: [{ layout: 'ab', index: 3 }], leases: 7 }
    const decode = (header: Header) => protocol.decodeSurveyed(header, 2)
    refuses(decode, protocol.encodeSurveyed([inventory, inventory]), {
      held: [...notLists, [], [[]], [[], [], []], [['ab'], [1, 2]], [['ab', -1], []]],
      leases: [...notLists, [], [7], [7, 7, 7], [7, -1]],
    })
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
