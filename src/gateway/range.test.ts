import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDreyError } from '../base/error.ts'
import { parseRange, parseRanges } from './range.ts'

const size = 10_000 // The representation of the examples in RFC 9110, 14.1.2.
const huge = '9'.repeat(30) // Beyond what a number counts exactly.

describe('A Range header', () => {
  const single: [header: string, start: number, end: number][] = [
    ['bytes=0-499', 0, 500],
    ['bytes=500-999', 500, 1000],
    ['bytes=-500', 9500, 10_000],
    ['bytes=9500-', 9500, 10_000],
    ['bytes=0-0', 0, 1],
    ['bytes=-1', 9999, 10_000],
    ['bytes=9999-20000', 9999, 10_000],
    ['bytes=-20000', 0, 10_000],
    [' bytes=1-2 ', 1, 3],
    ['Bytes=1-2', 1, 3],
    ['bytes=,1-2,', 1, 3],
    [`bytes=1-${huge}`, 1, 10_000],
    [`bytes=-${huge}`, 0, 10_000],
  ]
  for (const [header, start, end] of single) {
    it(`"${header}" asks for bytes ${start} to ${end - 1} of ${size}`, () => {
      assert.deepEqual(parseRanges(header, size), [{ start, end }])
      if (!header.includes(',')) assert.deepEqual(parseRange(header, size), { start, end })
    })
  }

  const several: [header: string, ...ranges: [start: number, end: number][]][] = [
    ['bytes=500-600,601-999', [500, 1000]],
    ['bytes=500-700,601-999', [500, 1000]],
    ['bytes=0-0,-1', [0, 1], [9999, 10_000]],
    ['bytes= 0-999, 4500-5499 ,-1000', [0, 1000], [4500, 5500], [9000, 10_000]],
    ['bytes=9000-,0-9', [9000, 10_000], [0, 10]],
    ['bytes=5-9,0-9,20-29', [0, 10], [20, 30]],
    ['bytes=0-,0-,0-,0-', [0, 10_000]],
    ['bytes=0-9,20000-', [0, 10]],
  ]
  for (const [header, ...ranges] of several) {
    it(`"${header}" asks for ${ranges.length} ranges after joining those that touch`, () => {
      const expected = ranges.map(([start, end]) => ({ start, end }))
      assert.deepEqual(parseRanges(header, size), expected)
      assert.equal(parseRange(header, size), undefined)
    })
  }

  it('that is missing, of other units or malformed asks for the whole', () => {
    const units = ['lines=1-2', 'bytes 0-1', '0-1', 'xbytes=0-1']
    const forms = ['', 'bytes=', 'bytes=-', 'bytes=,', 'bytes=5-4', 'bytes=a-b', 'bytes=0-1,5-4']
    for (const header of [
      undefined,
      ...units,
      ...forms,
      'bytes=1-2-3',
      'bytes=--1',
      'bytes=0x1-2',
    ]) {
      assert.equal(parseRanges(header, size), undefined)
      assert.equal(parseRange(header, size), undefined)
    }
  })

  it('without any byte of the blob in it is refused', () => {
    for (const header of ['bytes=10000-', 'bytes=20000-30000', 'bytes=-0', `bytes=${huge}-`]) {
      assert.equal(parseRanges(header, size), 'unsatisfiable')
      assert.throws(
        () => parseRange(header, size),
        (error) => isDreyError(error, 'bad-input'),
      )
    }
    assert.equal(parseRanges('bytes=10000-,-0', size), 'unsatisfiable')
    assert.equal(parseRanges('bytes=0-', 0), 'unsatisfiable')
  })

  it('of more than 32 ranges is refused, wherever they are', () => {
    const many = (count: number) => Array.from({ length: count }, (_, at) => `${at * 3}-${at * 3}`)
    assert.equal(parseRanges(`bytes=${many(32).join()}`, size)?.length, 32)
    assert.equal(parseRanges(`bytes=${many(33).join()}`, size), 'unsatisfiable')
    assert.equal(parseRanges(`bytes=${'0-,'.repeat(1000)}`, size), 'unsatisfiable')
  })

  it('for the last bytes of an empty blob asks for nothing', () => {
    assert.deepEqual(parseRange('bytes=-5', 0), { start: 0, end: 0 })
  })
})
