import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { between, seededRandom, systemRandom } from './random.ts'

describe('Chance from a seed', () => {
  it('is the same every time', () => {
    const [one, other] = [seededRandom(7), seededRandom(7)]

    assert.deepEqual(one.bytes(1001), other.bytes(1001))
    assert.equal(one.fraction(), other.fraction())
  })

  it('is the same in every version, so that a seed in a report still tells its story', () => {
    const random = seededRandom(7)
    const fractions = Array.from({ length: 3 }, () => random.fraction().toFixed(6))

    assert.deepEqual(fractions, ['0.014413', '0.498235', '0.452715'])
  })

  it('differs between seeds, also large ones', () => {
    const seeds = [0, 1, 2, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]
    const firsts = seeds.map((seed) => seededRandom(seed).fraction())

    assert.equal(new Set(firsts).size, seeds.length)
  })

  it('covers its range evenly', () => {
    const random = seededRandom(1)
    const counts = new Array<number>(8).fill(0)
    for (let round = 0; round < 8000; round++) counts[between(random, 0, 8)]!++

    assert.ok(Math.min(...counts) > 880 && Math.max(...counts) < 1120, counts.join(', '))
  })
})

describe('Chance from the system', () => {
  it('has the size asked for and does not repeat', () => {
    assert.equal(systemRandom.bytes(0).length, 0)
    assert.notDeepEqual(systemRandom.bytes(32), systemRandom.bytes(32))
  })
})
