import assert from 'node:assert/strict'
import { DreyError } from '../base/error.ts'
import type { Code } from './code.ts'
import type { Kernel } from './kernel.ts'
import { codingMatrix, invert, product, range, rowsOf, type Matrix } from './matrix.ts'

/**
 * Computes a block's parity: its k data shards of `shardBytes` stand one after another at `dataAt`, the
 * last filled up with zeros; the n − k parity shards are written one after another at `parityAt`. With
 * k = 1 every shard is the block itself, and there is nothing to compute.
 */
export function encode(
  kernel: Kernel,
  { k, n }: Code,
  shardBytes: number,
  dataAt: number,
  parityAt: number,
): void {
  if (k === 1 || n === k) return
  const parity = remembered(`${k}/${n} parity`, () => rowsOf(matrixOf({ k, n }), range(n).slice(k)))
  const inputs = range(k).map((index) => dataAt + index * shardBytes)
  const outputs = range(n - k).map((index) => parityAt + index * shardBytes)
  kernel.multiply(parity.cells, inputs, outputs, shardBytes)
}

/**
 * Computes the shards at `wanted` from any k of those at `present`; both say at which offset each index
 * stands. Throws 'not-enough-shards' when there are fewer than k.
 */
export function rebuild(
  kernel: Kernel,
  { k, n }: Code,
  shardBytes: number,
  present: ReadonlyMap<number, number>,
  wanted: ReadonlyMap<number, number>,
): void {
  if (present.size < k) {
    throw new DreyError('not-enough-shards', `needed ${k} shards, found ${present.size}`)
  }
  for (const index of [...present.keys(), ...wanted.keys()]) assert.ok(index >= 0 && index < n)
  // Always the first k, in whatever order they came, so that the same loss needs the same matrix.
  const used = [...present.keys()].sort((a, b) => a - b).slice(0, k)
  const matrix = decodingMatrix({ k, n }, used, [...wanted.keys()])
  const inputs = used.map((index) => present.get(index)!)
  kernel.multiply(matrix.cells, inputs, [...wanted.values()], shardBytes)
}

/** Used rows times data are the shards in hand; so data are the inverse times those. */
function decodingMatrix(
  { k, n }: Code,
  used: readonly number[],
  wanted: readonly number[],
): Matrix {
  return remembered(`${k}/${n} ${used} to ${wanted}`, () => {
    const matrix = matrixOf({ k, n })
    return product(rowsOf(matrix, wanted), invert(rowsOf(matrix, used)))
  })
}

function matrixOf({ k, n }: Code): Matrix {
  return remembered(`${k}/${n}`, () => codingMatrix(k, n))
}

const matrices = new Map<string, Matrix>()
const matricesMax = 32 // Holders are away for long, so losses repeat; 64 KiB each in the worst case.

/** A matrix by its name; those that were not needed for long are forgotten. */
function remembered(name: string, make: () => Matrix): Matrix {
  const matrix = matrices.get(name) ?? make()
  matrices.delete(name) // Moves to the end: what stands first is the longest unused.
  matrices.set(name, matrix)
  if (matrices.size > matricesMax) matrices.delete(matrices.keys().next().value!)
  return matrix
}
