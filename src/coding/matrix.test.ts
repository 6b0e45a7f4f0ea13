import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import vectors from '../../test/vectors/coding.json' with { type: 'json' }
import { fromHex } from '../base/bytes.ts'
import { between, seededRandom } from '../base/random.ts'
import { codingMatrix, invert, product, range, rowsOf, type Matrix } from './matrix.ts'

function parse(rows: readonly string[]): Matrix {
  return { rows: rows.length, columns: rows[0]!.length / 2, cells: fromHex(rows.join('')) }
}

function identity(size: number): Matrix {
  const cells = new Uint8Array(size * size)
  for (let i = 0; i < size; i++) cells[i * size + i] = 1
  return { rows: size, columns: size, cells }
}

describe('the coding matrix', () => {
  it('is the one of klauspost and Backblaze', () => {
    for (const { k, n, rows } of vectors.parityMatrices.cases) {
      assert.deepEqual(rowsOf(codingMatrix(k, n), range(n).slice(k)), parse(rows))
    }
  })

  it('leaves the data as it is', () => {
    for (const [k, n] of [
      [1, 4],
      [4, 6],
      [10, 14],
      [64, 256],
      [255, 256],
    ] as const) {
      assert.deepEqual(rowsOf(codingMatrix(k, n), range(k)), identity(k))
    }
  })

  it('can be undone from any k of its rows', () => {
    const random = seededRandom(14)
    const matrix = codingMatrix(10, 14)
    for (let round = 0; round < 200; round++) {
      const rows = range(14)
      while (rows.length > 10) rows.splice(between(random, 0, rows.length), 1)
      const chosen = rowsOf(matrix, rows)
      assert.deepEqual(product(invert(chosen), chosen), identity(10))
    }
  })
})

describe('inverting', () => {
  it('gives the inverses that klauspost and Backblaze publish', () => {
    for (const { matrix, inverse } of vectors.inverses.cases) {
      assert.deepEqual(invert(parse(matrix)), parse(inverse))
    }
  })

  it('leaves the matrix as it was', () => {
    const matrix = parse(vectors.inverses.cases[0]!.matrix)
    invert(matrix)
    assert.deepEqual(matrix, parse(vectors.inverses.cases[0]!.matrix))
  })

  it('refuses a matrix that has no inverse', () => {
    assert.throws(() => invert(parse(['0102', '0102'])), RangeError)
    assert.throws(() => invert(parse(['0000', '0001'])), RangeError)
  })
})
