import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '../base/random.ts'
import type { MemberRecord } from './record.ts'
import { compareDistance, Roster } from './roster.ts'

const day = 24 * 3_600_000
const now = 1_700_000_000_000

function record(id: string, at = now): MemberRecord {
  return {
    ...{ id, role: 'storage', issuers: [], name: id, zone: '', addresses: [], relays: [] },
    ...{ offersRelay: false, capacity: 1, free: 1, stage: 'here', at, bytes: new Uint8Array(1) },
  }
}

function roster(max: number, connected: readonly string[] = []): Roster {
  const isConnected = (id: string) => connected.includes(id)
  const filled = new Roster('m000', { max, isConnected, random: seededRandom(5) })
  filled.learn(record('m000'))
  return filled
}

const idOf = (at: number) => `m${String(at).padStart(3, '0')}`

describe('A roster', () => {
  it('keeps the newest word of each member', () => {
    const some = roster(10)
    assert.equal(some.learn(record('a', 5)), 'new')
    assert.equal(some.learn(record('a', 5)), 'known')
    assert.equal(some.learn(record('a', 4)), 'known')
    assert.equal(some.learn(record('a', 6)), 'newer')
    assert.equal(some.get('a')?.at, 6)
  })

  it('that is full keeps whoever is connected, then those that spoke lately, then the nearest', () => {
    const some = roster(4, ['far'])
    for (const one of [record('far', now - day), record('old', now - day), record('m001')]) {
      some.learn(one)
    }
    some.learn(record('m002'))
    assert.deepEqual(
      some
        .all()
        .map(({ id }) => id)
        .toSorted(),
      ['far', 'm000', 'm001', 'm002'],
    )
    some.learn(record('m003'))
    const left = some.all().map(({ id }) => id)
    const nearest = ['m001', 'm002', 'm003'].toSorted((a, b) => compareDistance('m000', a, b))
    assert.deepEqual(left.toSorted(), ['far', 'm000', ...nearest.slice(0, 2)].toSorted())
  })

  it('forgets who was silent for a month, but not its own node', () => {
    const some = roster(10)
    some.learn(record('a', now - 31 * day))
    some.sweep(now + 40 * day)
    assert.deepEqual(
      some.all().map(({ id }) => id),
      ['m000'],
    )
  })

  it('tells another what that one does not know, and learns what to ask for', () => {
    const [left, right] = [roster(10), roster(10)]
    left.learn(record('a', 5))
    left.learn(record('b', 5))
    right.learn(record('b', 7))
    right.learn(record('c', 1))
    const { newer, wanted } = left.compare(right.digest(), false)
    assert.deepEqual([newer.map(({ id }) => id), wanted.toSorted()], [['a'], ['b', 'c']])
  })

  it('that is full is told of few that it does not know, and asks for few', () => {
    const [large, small] = [roster(1_000), roster(20)]
    for (let at = 1; at < 500; at++) large.learn(record(idOf(at)))
    for (let at = 1; at < 20; at++) small.learn(record(idOf(at), now - 1))
    assert.ok(small.isFull && !large.isFull)
    const { newer } = large.compare(small.digest(), true)
    assert.equal(newer.length, 19 + 16)
    const { wanted } = small.compare(large.digest(), false)
    assert.equal(wanted.length, 19 + 16)
  })
})
