import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDreyError } from '../base/error.ts'
import { parseRange } from './range.ts'

const size = 10_000 // The representation of the examples in RFC 9110, 14.1.2.

describe('A Range header', () => {
  const understood: [header: string, start: number, end: number][] = [
    ['bytes=0-499', 0, 500],
    ['bytes=500-999', 500, 1000],
    ['bytes=-500', 9500, 10_000],
    ['bytes=9500-', 9500, 10_000],
    ['bytes=0-0', 0, 1],
    ['bytes=-1', 9999, 10_000],
    ['bytes=9999-20000', 9999, 10_000],
    ['bytes=-20000', 0, 10_000],
    [' bytes=1-2 ', 1, 3],
  ]
  for (const [header, start, end] of understood) {
    it(`"${header}" asks for bytes ${start} to ${end - 1} of ${size}`, () => {
      assert.deepEqual(parseRange(header, size), { start, end })
    })
  }

  it('that is missing, of several ranges, of other units or malformed asks for the whole', () => {
    const whole = [undefined, '', 'bytes=', 'bytes=-', 'bytes=5-4', 'bytes=0-1,3-4', 'lines=1-2']
    for (const header of [...whole, 'bytes=a-b', 'bytes 0-1']) {
      assert.equal(parseRange(header, size), undefined)
    }
  })

  it('without any byte of the blob in it is refused', () => {
    for (const header of ['bytes=10000-', 'bytes=20000-30000', 'bytes=-0']) {
      assert.throws(
        () => parseRange(header, size),
        (error) => isDreyError(error, 'bad-input'),
      )
    }
  })

  it('for the last bytes of an empty blob asks for nothing', () => {
    assert.deepEqual(parseRange('bytes=-5', 0), { start: 0, end: 0 })
  })
})
