import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressOf, type Address } from '../address/address.ts'
import { placementOrder } from './placement.ts'

const gib = 2 ** 30
const members = [1, 2, 4, 8, 1].map((units, index) => ({ id: `n${index}`, capacity: units * gib }))

function nthAddress(n: number): Address {
  return addressOf('raw', 'blake3', new Uint8Array(new Uint32Array([n]).buffer))
}

const idsOf = (address: Address, of: readonly (typeof members)[number][]) =>
  placementOrder(address, of).map(({ id }) => id)

describe('Placement', () => {
  it('is the same for everyone who knows the same members, in whatever order', () => {
    for (let n = 0; n < 100; n++) {
      assert.deepEqual(idsOf(nthAddress(n), members), idsOf(nthAddress(n), members.toReversed()))
    }
  })

  it('is the same in every version: shards are where it said yesterday', () => {
    assert.deepEqual(idsOf(nthAddress(1), members), ['n3', 'n1', 'n0', 'n2', 'n4'])
  })

  it('keeps the order of the others when a member leaves', () => {
    for (let n = 0; n < 100; n++) {
      const [gone, ...others] = idsOf(nthAddress(n), members)
      const left = members.filter(({ id }) => id !== gone)
      assert.deepEqual(idsOf(nthAddress(n), left), others)
    }
  })

  it('puts a member first as often as its share of the capacity', () => {
    const rounds = 20_000
    const firsts = new Map<string, number>()
    for (let n = 0; n < rounds; n++) {
      const [first] = idsOf(nthAddress(n), members)
      firsts.set(first!, (firsts.get(first!) ?? 0) + 1)
    }
    const total = members.reduce((sum, { capacity }) => sum + capacity, 0)
    for (const { id, capacity } of members) {
      const [part, share] = [firsts.get(id)! / rounds, capacity / total]
      assert.ok(Math.abs(part - share) < 0.05 * share + 0.003, `${id}: ${part} of ${share}`)
    }
  })

  it('does not move shards for a difference smaller than a gibibyte', () => {
    const bit = members.map((member) => ({ ...member, capacity: member.capacity + 1000 }))

    for (let n = 0; n < 100; n++) {
      assert.deepEqual(idsOf(nthAddress(n), members), idsOf(nthAddress(n), bit))
    }
  })
})
