import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressOf, type Address } from '../address/address.ts'
import { between, seededRandom, type Random } from '../base/random.ts'
import { placementOrder, type Place } from './placement.ts'

const gib = 2 ** 30
const members = [1, 2, 4, 8, 1].map((units, index) => ({ id: `n${index}`, capacity: units * gib }))

function nthAddress(n: number): Address {
  return addressOf('raw', 'blake3', new Uint8Array(new Uint32Array([n]).buffer))
}

const idsOf = (address: Address, of: readonly Place[]) =>
  placementOrder(address, of).map(({ id }) => id)

/** A swarm as chance makes it: of these zones some may have no member, others many. */
function swarm(random: Random, zones: readonly string[]): Required<Place>[] {
  return Array.from({ length: between(random, 1, 25) }, (_, index) => ({
    id: `n${index}`,
    capacity: between(random, 1, 100) * gib,
    zone: zones[between(random, 0, zones.length)]!,
  }))
}

/** What is asked of placement, asked of many swarms and blocks. */
function everywhere(
  zones: readonly string[],
  check: (address: Address, members: Required<Place>[], random: Random) => void,
): void {
  const random = seededRandom(20)
  for (let round = 0; round < 60; round++) check(nthAddress(round), swarm(random, zones), random)
}

const houses = ['', 'north', 'south', 'attic', 'cellar']

describe('Placement', () => {
  it('is the same for everyone who knows the same members, in whatever order', () => {
    everywhere(houses, (address, known, random) => {
      const shuffled = known
        .map((member) => ({ member, at: random.fraction() }))
        .sort((a, b) => a.at - b.at)
        .map(({ member }) => member)
      assert.deepEqual(idsOf(address, shuffled), idsOf(address, known))
    })
  })

  it('is the same in every version: shards are where it said yesterday', () => {
    assert.deepEqual(idsOf(nthAddress(1), members), ['n3', 'n1', 'n0', 'n2', 'n4'])
  })

  it('keeps the order of the others when a member leaves a swarm without zones', () => {
    everywhere([''], (address, known) => {
      const order = idsOf(address, known)
      for (const gone of order) {
        const left = known.filter(({ id }) => id !== gone)
        const expected = order.filter((id) => id !== gone)
        assert.deepEqual(idsOf(address, left), expected)
      }
    })
  })

  it('puts a member first as often as its share of the capacity', () => {
    assertShares([1, 2, 4, 8, 1].map((units) => units * gib))
  })

  it('tells apart members that offer little: 1.4 GiB weigh less than 1.6', () => {
    assertShares([1.4, 1.6, 0.3, 0.5, 2.49].map((units) => units * gib))
  })

  it('does not move shards for a few bytes more or less', () => {
    const bit = members.map((member) => ({ ...member, capacity: member.capacity + 1000 }))

    for (let n = 0; n < 100; n++) {
      assert.deepEqual(idsOf(nthAddress(n), members), idsOf(nthAddress(n), bit))
    }
  })
})

/** A block's first holder is each member as often as it should be, give or take chance. */
function assertShares(capacities: readonly number[]): void {
  const known = capacities.map((capacity, index) => ({ id: `n${index}`, capacity }))
  const blocks = 20_000
  const firsts = new Map<string, number>()
  for (let n = 0; n < blocks; n++) {
    const [first] = idsOf(nthAddress(n), known)
    firsts.set(first!, (firsts.get(first!) ?? 0) + 1)
  }
  const total = capacities.reduce((sum, capacity) => sum + capacity, 0)
  for (const { id, capacity } of known) {
    const share = capacity / total
    const spread = Math.sqrt(blocks * share * (1 - share)) // Beyond four of them is no chance.
    const off = Math.abs((firsts.get(id) ?? 0) - blocks * share)
    assert.ok(off < 4 * spread, `${id}: ${firsts.get(id)} of ${blocks * share}`)
  }
}

describe('Placement over zones', () => {
  it('never gives a zone two shards more than another that has members left', () => {
    everywhere(houses, (address, known) => {
      const zoneOf = ({ id, zone }: Required<Place>) => zone || id
      const taken = new Map(known.map((member) => [zoneOf(member), 0]))
      const order = placementOrder(address, known)
      for (const [at, member] of order.entries()) {
        taken.set(zoneOf(member), taken.get(zoneOf(member))! + 1)
        const open = order.slice(at + 1).map((other) => taken.get(zoneOf(other))!)
        const most = Math.max(...taken.values())
        assert.ok(
          open.every((count) => most - count <= 1),
          `after ${at + 1} shards`,
        )
      }
    })
  })

  it('puts the same member first as if there were no zones: shares stay', () => {
    everywhere(houses, (address, known) => {
      const zoneless = known.map(({ id, capacity }) => ({ id, capacity }))
      assert.equal(idsOf(address, known)[0], idsOf(address, zoneless)[0])
    })
  })

  it('gives each shard of a member that leaves to one other, and moves nothing else', () => {
    everywhere(houses, (address, known) => {
      const before = idsOf(address, known)
      for (const gone of before) {
        const after = idsOf(
          address,
          known.filter(({ id }) => id !== gone),
        )
        for (let n = 1; n < before.length; n++) {
          const holders = new Set(before.slice(0, n))
          const fresh = after.slice(0, n).filter((id) => !holders.has(id))
          assert.equal(fresh.length, holders.has(gone) ? 1 : 0, `${gone} left, ${n} shards`)
        }
      }
    })
  })

  it('counts each member without a zone as a zone of its own', () => {
    const known = members.map((member, index) => ({ ...member, zone: index < 2 ? 'attic' : '' }))
    for (let n = 0; n < 100; n++) {
      const order = placementOrder(nthAddress(n), known)
      assert.equal(order.slice(0, 4).filter(({ zone }) => zone === 'attic').length, 1)
    }
  })
})
