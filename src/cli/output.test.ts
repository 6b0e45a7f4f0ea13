import assert from 'node:assert/strict'
import { it } from 'node:test'
import { DreyError, isDreyError } from '../base/error.ts'
import { exitCodeOf, formatSize, parseSize } from './output.ts'
import { formatSeconds } from './progress.ts'
import { formatTable } from './table.ts'

it('Sizes are read in binary and decimal units', () => {
  const sizes = { '1000': 1000, '512MiB': 2 ** 29, '1.5 GB': 1.5e9, '2k': 2000, '1gib': 2 ** 30 }
  for (const [text, size] of Object.entries(sizes)) assert.equal(parseSize(text), size, text)
  for (const text of ['', 'much', '-1', '1.2.3', '5 XB']) {
    assert.throws(
      () => parseSize(text),
      (error) => isDreyError(error, 'bad-input'),
    )
  }
})

it('Sizes and times are written as people say them', () => {
  assert.deepEqual([0, 1023, 1536, 2 ** 30].map(formatSize), [
    '0 B',
    '1023 B',
    '1.50 KiB',
    '1.00 GiB',
  ])
  assert.deepEqual([7.2, 200, 7500].map(formatSeconds), ['8 s', '3 min 20 s', '2 h 05 min'])
})

it('A table has words to the left and numbers to the right', () => {
  assert.equal(
    formatTable([
      ['what', 'MiB/s'],
      ['disk', '7'],
      ['a', '10'],
    ]),
    'what  MiB/s\ndisk      7\na        10',
  )
})

it('A failure ends a command with the code of its kind, a mistake of Drey’s own with 1', () => {
  assert.equal(exitCodeOf(new DreyError('not-enough-shards', '')), 4)
  assert.equal(exitCodeOf(new Error()), 1)
})
