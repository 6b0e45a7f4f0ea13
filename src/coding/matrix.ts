import { inverse, multiply, power } from './field.ts'

/** Rows of bytes, one after another. */
export interface Matrix {
  readonly rows: number
  readonly columns: number
  readonly cells: Uint8Array
}

/**
 * The matrix that turns k data shards into n: the identity above, parity below. It is a Vandermonde
 * matrix (row r, column c: r to the power c) times the inverse of its upper square, as in Backblaze's
 * JavaReedSolomon and klauspost's reedsolomon, so that any k of its rows can be inverted.
 */
export function codingMatrix(k: number, n: number): Matrix {
  const cells = new Uint8Array(n * k)
  for (let r = 0; r < n; r++) for (let c = 0; c < k; c++) cells[r * k + c] = power(r, c)
  const whole = { rows: n, columns: k, cells }
  return product(whole, invert(rowsOf(whole, range(k))))
}

export function rowsOf(matrix: Matrix, chosen: readonly number[]): Matrix {
  const { columns, cells } = matrix
  const picked = new Uint8Array(chosen.length * columns)
  chosen.forEach((row, at) => {
    picked.set(cells.subarray(row * columns, (row + 1) * columns), at * columns)
  })
  return { rows: chosen.length, columns, cells: picked }
}

export function product(a: Matrix, b: Matrix): Matrix {
  const cells = new Uint8Array(a.rows * b.columns)
  for (let r = 0; r < a.rows; r++) {
    for (let c = 0; c < b.columns; c++) {
      let sum = 0
      for (let i = 0; i < a.columns; i++) {
        sum ^= multiply(a.cells[r * a.columns + i]!, b.cells[i * b.columns + c]!)
      }
      cells[r * b.columns + c] = sum
    }
  }
  return { rows: a.rows, columns: b.columns, cells }
}

/** Gauss and Jordan's way. Any k rows of a coding matrix can be inverted; others may throw. */
export function invert(square: Matrix): Matrix {
  const size = square.rows
  const left = square.cells.slice()
  const right = new Uint8Array(size * size)
  for (let i = 0; i < size; i++) right[i * size + i] = 1
  for (let column = 0; column < size; column++) {
    const pivot = range(size).find((row) => row >= column && left[row * size + column] !== 0)
    if (pivot === undefined) throw new RangeError('the matrix is singular')
    for (const cells of [left, right]) swapRows(cells, size, pivot, column)
    const scale = inverse(left[column * size + column]!)
    for (const cells of [left, right]) scaleRow(cells, size, column, scale)
    for (let row = 0; row < size; row++) {
      const factor = left[row * size + column]!
      if (row === column || factor === 0) continue
      for (const cells of [left, right]) addRow(cells, size, row, column, factor)
    }
  }
  return { rows: size, columns: size, cells: right }
}

function swapRows(cells: Uint8Array, size: number, a: number, b: number): void {
  if (a === b) return
  const row = cells.slice(a * size, (a + 1) * size)
  cells.copyWithin(a * size, b * size, (b + 1) * size)
  cells.set(row, b * size)
}

function scaleRow(cells: Uint8Array, size: number, row: number, factor: number): void {
  for (let c = 0; c < size; c++) cells[row * size + c] = multiply(cells[row * size + c]!, factor)
}

function addRow(cells: Uint8Array, size: number, row: number, other: number, factor: number): void {
  for (let c = 0; c < size; c++) {
    cells[row * size + c]! ^= multiply(cells[other * size + c]!, factor)
  }
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}
