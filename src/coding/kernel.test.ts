import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { assemble } from '../../scripts/build-kernel.mjs'
import { equalBytes } from '../base/bytes.ts'
import { between, seededRandom, type Random } from '../base/random.ts'
import { multiply } from './field.ts'
import { openKernel, openSimdKernel, scalarKernel, scratchBytes, type Kernel } from './kernel.ts'

const page = 64 * 1024
const scratchAt = 12 // Of another thread's memory too, so nothing before and behind it may change.

type Open = (memory: WebAssembly.Memory) => Kernel
const simd: Record<string, Open> = {
  'strict SIMD': (memory) => openSimdKernel(memory, scratchAt, 'kernel.wasm')!,
  'relaxed SIMD': (memory) => openSimdKernel(memory, scratchAt, 'kernel-relaxed.wasm')!,
  'the fastest': (memory) => openKernel(memory, scratchAt),
}
const all: Record<string, Open> = { ...simd, scalar: scalarKernel }

function newMemory(pages = 2): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
}

/** Everything but the scratch area, which is the kernel's own. */
function visible(memory: WebAssembly.Memory): Uint8Array {
  return new Uint8Array(memory.buffer).slice().fill(0, scratchAt, scratchAt + scratchBytes)
}

/** A kernel and the portable twin, each over a memory with the same random bytes in it. */
function twins(open: Open, random: Random, pages?: number) {
  const memories = [newMemory(pages), newMemory(pages)] as const
  const filling = random.bytes(memories[0].buffer.byteLength)
  for (const memory of memories) new Uint8Array(memory.buffer).set(filling)
  const kernels = [open(memories[0]), scalarKernel(memories[1])]
  return {
    multiply: (...parts: Parameters<Kernel['multiply']>) =>
      kernels.forEach((kernel) => kernel.multiply(...parts)),
    assertEqual: (message: string) =>
      assert.ok(equalBytes(visible(memories[0]), visible(memories[1])), message),
  }
}

/** Offsets of areas that stand side by side from `at` on. */
function sideBySide(at: number, count: number, length: number): number[] {
  return Array.from({ length: count }, (_, index) => at + index * length)
}

for (const [name, open] of Object.entries(all)) {
  describe(`the kernel (${name})`, () => {
    it('adds up products over the field', () => {
      const [length, columns, rows] = [100, 3, 2]
      const memory = newMemory()
      const bytes = new Uint8Array(memory.buffer)
      const matrix = Uint8Array.of(1, 2, 3, 0, 77, 255)
      const inputs = sideBySide(page, columns, length)
      const outputs = sideBySide(page + columns * length, rows, length)
      bytes.set(seededRandom(1).bytes(columns * length), page)
      open(memory).multiply(matrix, inputs, outputs, length)
      for (let row = 0; row < rows; row++) {
        for (let i = 0; i < length; i++) {
          const terms = inputs.map((at, c) => multiply(matrix[row * columns + c]!, bytes[at + i]!))
          const sum = terms.reduce((a, b) => a ^ b)
          assert.equal(bytes[outputs[row]! + i], sum)
        }
      }
    })

    it('refuses a matrix that does not fit its inputs and outputs', () => {
      const kernel = open(newMemory())
      const refused = { name: 'AssertionError' }
      const nothing = new Uint8Array()
      assert.throws(() => kernel.multiply(Uint8Array.of(1), [page], [page, page], 40), refused)
      assert.throws(() => kernel.multiply(nothing, [], [page], 40), refused)
      const many = new Array<number>(257).fill(page)
      assert.throws(() => kernel.multiply(new Uint8Array(257), many, [page], 40), refused)
    })
  })
}

for (const [name, open] of Object.entries(simd)) {
  describe(`the kernel (${name}) and its portable twin`, () => {
    it('write the same bytes, and no others, at any length and offset', () => {
      const random = seededRandom(2)
      const pair = twins(open, random)
      for (let length = 1; length <= 300; length++) {
        const [columns, rows] = [between(random, 1, 13), between(random, 1, 7)]
        const from = page + between(random, 0, 100)
        const inputs = sideBySide(from, columns, length)
        const outputs = sideBySide(from + columns * length, rows, length)
        pair.multiply(random.bytes(rows * columns), inputs, outputs, length)
        pair.assertEqual(`${columns} inputs, ${rows} outputs of ${length} bytes at ${from}`)
      }
    })

    it('agree for as many inputs and outputs as the field has', () => {
      const random = seededRandom(3)
      const pair = twins(open, random, 4)
      const [columns, rows, length] = [256, 255, 67]
      const inputs = sideBySide(page + 1, columns, length)
      const outputs = sideBySide(page + 1 + columns * length, rows, length)
      pair.multiply(random.bytes(rows * columns), inputs, outputs, length)
      pair.assertEqual('256 inputs')
    })

    it('reach the last byte of the memory, and nothing behind it', () => {
      const random = seededRandom(4)
      const pair = twins(open, random)
      for (const length of [1, 31, 32, 33, 63, 64, 65, 1000]) {
        const [last, before] = [2 * page - length, 2 * page - 2 * length]
        pair.multiply(random.bytes(1), [last], [before], length)
        pair.multiply(random.bytes(1), [before], [last], length)
        pair.assertEqual(`${length} bytes`)
      }
    })
  })
}

/** Long enough for the threads to meet. */
const inThread = `
  const { memory, at, call } = require('node:worker_threads').workerData
  import('${new URL('kernel.ts', import.meta.url).href}').then(({ openKernel }) => {
    const kernel = openKernel(memory, at)
    for (let turn = 0; turn < 5000; turn++) {
      kernel.multiply(call.matrix, call.inputs, call.outputs, call.length)
    }
  })`

describe('kernels of several threads', () => {
  it('work in one memory at once, each with its own scratch area', async () => {
    const random = seededRandom(6)
    const [columns, rows, length] = [10, 4, 1001]
    const memory = newMemory(6)
    const bytes = new Uint8Array(memory.buffer)
    bytes.set(random.bytes(columns * length), 2 * page)
    const inputs = sideBySide(2 * page, columns, length)
    const threads = [0, 1].map((thread) => {
      const outputs = sideBySide((3 + thread) * page, rows, length)
      const call = { matrix: random.bytes(rows * columns), inputs, outputs, length }
      const at = thread * scratchBytes
      return {
        call,
        worker: new Worker(inThread, { eval: true, workerData: { memory, at, call } }),
      }
    })
    await Promise.all(threads.map(({ worker }) => once(worker, 'exit')))
    for (const { call } of threads) {
      const [from, to] = [call.outputs[0]!, call.outputs[0]! + rows * length]
      const written = bytes.slice(from, to)
      bytes.fill(0, from, to)
      scalarKernel(memory).multiply(call.matrix, inputs, call.outputs, length)
      assert.ok(equalBytes(written, bytes.subarray(from, to)))
    }
  })
})

describe('the module', () => {
  it('is what its source gives', async () => {
    const committed = (file: string) => readFileSync(new URL(file, import.meta.url))
    assert.ok(equalBytes(committed('kernel.wasm'), await assemble('i8x16.swizzle')))
    assert.ok(equalBytes(committed('kernel-relaxed.wasm'), await assemble('i8x16.relaxed_swizzle')))
  })

  it('is left alone where the engine has no such instructions', ({ mock }) => {
    mock.method(WebAssembly, 'validate', () => false)
    assert.equal(openSimdKernel(newMemory(), scratchAt, 'kernel.wasm'), undefined)
    const pair = twins((memory) => openKernel(memory, scratchAt), seededRandom(5))
    pair.multiply(Uint8Array.of(9, 8), [page, page + 50], [page + 100], 50)
    pair.assertEqual('without SIMD')
  })
})
