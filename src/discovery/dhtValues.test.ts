import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Clock } from '../base/clock.ts'
import { seededRandom } from '../base/random.ts'
import { Values } from './dhtValues.ts'

const limits = {
  valueMs: 1_000,
  valuesMax: 50,
  valuesPerKey: 20,
  valuesPerHost: 10,
  valuesPerHostAndKey: 3,
}

function openValues() {
  const time = { now: 0 }
  const clock: Clock = { now: () => time.now, sleep: () => Promise.reject(new Error('no need')) }
  return { time, values: new Values(limits, clock, seededRandom(1)) }
}

const place = (host: number, port = 7117) =>
  Buffer.from([10, 0, host >> 8, host & 255, port >> 8, port & 255])
const range = (count: number) => Array.from({ length: count }, (_, index) => index)

describe('what others announced', () => {
  it('is told until it is too old, and then makes room', () => {
    const { time, values } = openValues()
    values.add('a', place(1))
    time.now = 600
    values.add('a', place(2))
    values.add('b', place(1))
    time.now = 1_000
    assert.deepEqual(values.get('a'), [place(2)])
    values.sweep()
    assert.equal(values.count, 2)
    time.now = 1_600
    values.sweep()
    assert.equal(values.count, 0)
    assert.deepEqual(values.get('b'), [])
  })

  it('stays as long as it is announced again', () => {
    const { time, values } = openValues()
    for (time.now = 0; time.now < 5_000; time.now += 900) values.add('a', place(1))
    values.sweep()
    assert.deepEqual(values.get('a'), [place(1)])
    assert.equal(values.count, 1)
  })

  it('is limited for a key, for a machine, for both, and in all', () => {
    const { values } = openValues()
    for (const host of range(30)) values.add('a', place(host))
    assert.equal(values.get('a').length, limits.valuesPerKey)
    for (const port of range(9)) values.add('b', place(99, port + 1))
    assert.equal(values.get('b').length, limits.valuesPerHostAndKey)
    for (const at of range(30)) values.add(`c${at}`, place(99))
    assert.equal(values.count, limits.valuesPerKey + limits.valuesPerHost)
    for (const host of range(100)) values.add(`d${host}`, place(1_000 + host))
    assert.equal(values.count, limits.valuesMax)
    values.add('a', place(1)) // Known: it may stay.
    assert.equal(values.count, limits.valuesMax)
  })

  it('is told in part, by chance, when it is much', () => {
    const { values } = openValues()
    for (const host of range(20)) values.add('a', place(host))
    const told = range(50).flatMap(() => values.get('a', 5))
    assert.equal(told.length, 250)
    assert.equal(new Set(told.map((one) => one.toString('hex'))).size, 20)
  })
})
