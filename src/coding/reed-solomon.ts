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
  const parity = rowsOf(matrixOf({ k, n }), range(n).slice(k))
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
  const used = [...present].slice(0, k)
  const matrix = matrixOf({ k, n })
  // Used rows times data are the shards in hand; so data are the inverse times those.
  const toData = invert(
    rowsOf(
      matrix,
      used.map(([index]) => index),
    ),
  )
  const toWanted = product(rowsOf(matrix, [...wanted.keys()]), toData)
  const inputs = used.map(([, offset]) => offset)
  kernel.multiply(toWanted.cells, inputs, [...wanted.values()], shardBytes)
}

const matrices = new Map<string, Matrix>()
const matricesMax = 32 // A swarm uses a few codes; this bounds what strangers' layouts can fill.

function matrixOf({ k, n }: Code): Matrix {
  const name = `${k}/${n}`
  let matrix = matrices.get(name)
  if (matrix === undefined) {
    if (matrices.size >= matricesMax) matrices.clear()
    matrix = codingMatrix(k, n)
    matrices.set(name, matrix)
  }
  return matrix
}
