import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { multiply } from './field.ts'

/** Multiplies by a matrix over GF(2^8), in place in one memory that threads may share. */
export interface Kernel {
  /**
   * out[r] = Σ matrix[r · columns + c] · in[c], where `inputs` (one a column) and `outputs` (one a row)
   * are byte offsets into the memory. Exactly `length` bytes of each output are written. Outputs
   * overlap neither inputs nor each other.
   */
  multiply(
    matrix: Uint8Array,
    inputs: readonly number[],
    outputs: readonly number[],
    length: number,
  ): void
}

const rowsMax = 4 // As many as the module has functions for.
const columnsMax = 256
const tableBytes = 32 // Products of all low nibbles, then of all high ones.
const tablesAt = columnsMax * 4 + rowsMax * 4
const turnBytes = 32 // What the module writes at least.

/**
 * Memory that a SIMD kernel needs for itself, beginning at a multiple of four: lists of offsets and the
 * tables of four rows. Kernels of several threads each have their own.
 */
export const scratchBytes = 36 * 1024

/** The fastest kernel that this machine's WebAssembly has. */
export function openKernel(memory: WebAssembly.Memory, scratchAt: number): Kernel {
  return (
    openSimdKernel(memory, scratchAt, 'kernel-relaxed.wasm') ??
    openSimdKernel(memory, scratchAt, 'kernel.wasm') ??
    scalarKernel(memory)
  )
}

type Multiply = (
  inputs: number,
  columns: number,
  outputs: number,
  tables: number,
  length: number,
) => void

/** A kernel of WebAssembly SIMD, or `undefined` where the engine does not know its instructions. */
export function openSimdKernel(
  memory: WebAssembly.Memory,
  scratchAt: number,
  file: 'kernel.wasm' | 'kernel-relaxed.wasm',
): Kernel | undefined {
  const bytes = readFileSync(new URL(file, import.meta.url))
  if (!WebAssembly.validate(bytes)) return undefined
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } })
  const functions = [1, 2, 3, 4].map((rows) => exports[`multiply${rows}`] as Multiply)
  const scalar = scalarKernel(memory)
  const lists = new Uint32Array(memory.buffer, scratchAt, columnsMax + rowsMax)
  const tables = new Uint8Array(memory.buffer, scratchAt + tablesAt, scratchBytes - tablesAt)
  return {
    multiply(matrix, inputs, outputs, length) {
      if (length < turnBytes) return scalar.multiply(matrix, inputs, outputs, length)
      const columns = inputs.length
      checkShape(matrix, columns, outputs.length)
      lists.set(inputs)
      for (let row = 0; row < outputs.length; row += rowsMax) {
        const group = outputs.slice(row, row + rowsMax)
        lists.set(group, columnsMax)
        fillTables(tables, matrix.subarray(row * columns), columns, group.length)
        const run = functions[group.length - 1]!
        run(scratchAt, columns, scratchAt + columnsMax * 4, scratchAt + tablesAt, length)
      }
    },
  }
}

function checkShape(matrix: Uint8Array, columns: number, rows: number): void {
  assert.ok(columns >= 1 && columns <= columnsMax, `a matrix of ${columns} columns`)
  assert.equal(matrix.length, columns * rows)
}

/** For each value its products with every low nibble, then with every high one. */
const nibbleTables = makeNibbleTables()

function makeNibbleTables(): Uint8Array {
  const tables = new Uint8Array(256 * tableBytes)
  for (let at = 0; at < tables.length; at++) {
    const nibble = at % 16
    tables[at] = multiply(Math.floor(at / tableBytes), at % tableBytes < 16 ? nibble : nibble << 4)
  }
  return tables
}

/** The tables of a matrix's cells, in the order in which the module reads them: column by column. */
function fillTables(tables: Uint8Array, cells: Uint8Array, columns: number, rows: number): void {
  let at = 0
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++, at += tableBytes) {
      const from = cells[row * columns + column]! * tableBytes
      tables.set(nibbleTables.subarray(from, from + tableBytes), at)
    }
  }
}

/** The portable twin: the same bytes, slowly. */
export function scalarKernel(memory: WebAssembly.Memory): Kernel {
  const products = new Uint8Array(256)
  return {
    multiply(matrix, inputs, outputs, length) {
      checkShape(matrix, inputs.length, outputs.length)
      outputs.forEach((output, row) => {
        const out = new Uint8Array(memory.buffer, output, length).fill(0)
        inputs.forEach((input, column) => {
          const cell = matrix[row * inputs.length + column]!
          for (let value = 0; value < 256; value++) products[value] = multiply(cell, value)
          const from = new Uint8Array(memory.buffer, input, length)
          for (let i = 0; i < length; i++) out[i]! ^= products[from[i]!]!
        })
      })
    },
  }
}
