import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ReedSolomonErasure } from '@digitaldefiance/reed-solomon-erasure.wasm'
import { equalBytes } from '../src/base/bytes.ts'
import { seededRandom } from '../src/base/random.ts'
import { formatCode, parseCode, type Code } from '../src/coding/code.ts'
import { openSimdKernel, scalarKernel, type Kernel } from '../src/coding/kernel.ts'
import { encode } from '../src/coding/reed-solomon.ts'
import { median, printTable } from './table.ts'

const codes = ['4+2', '6+3', '10+4'].map(parseCode)
const shardSizes = [64, 256, 1024].map((kib) => kib * 1024)
const shardsAt = 64 * 1024 // Behind the scratch area.
const memory = new WebAssembly.Memory({ initial: 256, maximum: 256, shared: true })

/** Computes the parity of shards that stand one after another, in place. */
type Encode = (code: Code, shardBytes: number) => void

/**
 * Gigabytes of data a second that parity is computed for, on one core: Drey's kernels, and the fastest
 * package that installs without a compiler. Medians of short runs, all ways in turn.
 *
 *     coding [rounds]
 */
export async function run(args: string[]): Promise<void> {
  const rounds = Number(args[0] ?? 7)
  const ways: Record<string, Encode> = {
    'relaxed SIMD': ours(openSimdKernel(memory, 0, 'kernel-relaxed.wasm')),
    'strict SIMD': ours(openSimdKernel(memory, 0, 'kernel.wasm')),
    'scalar twin': ours(scalarKernel(memory)),
    'reed-solomon-erasure.wasm': theirs(),
  }
  const rows = [['code', 'shards', ...Object.keys(ways)]]
  for (const code of codes) {
    for (const shardBytes of shardSizes) {
      assertSame(Object.values(ways), code, shardBytes)
      const speeds = Object.values(ways).map((): number[] => [])
      for (let round = 0; round < rounds; round++) {
        Object.values(ways).forEach((way, at) => speeds[at]!.push(speed(way, code, shardBytes)))
      }
      const cells = speeds.map((runs) => median(runs).toFixed(2))
      rows.push([formatCode(code), `${shardBytes / 1024} KiB`, ...cells])
    }
  }
  printTable(`Parity: GB of data a second, one core; medians of ${rounds} runs in turn`, rows)
}

function ours(kernel: Kernel | undefined): Encode {
  assert.ok(kernel, 'this engine has no such instructions')
  return (code, shardBytes) =>
    encode(kernel, code, shardBytes, shardsAt, shardsAt + code.k * shardBytes)
}

/** It has a memory of its own: the data are copied in and the parity out, as its users have to. */
function theirs(): Encode {
  const file = import.meta.resolve('@digitaldefiance/reed-solomon-erasure.wasm/wasm')
  const library = ReedSolomonErasure.fromBytes(readFileSync(fileURLToPath(file)))
  return (code, shardBytes) => {
    const result = library.encode(shardsOf(code, shardBytes), code.k, code.n - code.k)
    assert.equal(result, ReedSolomonErasure.RESULT_OK)
  }
}

function shardsOf(code: Code, shardBytes: number): Uint8Array {
  return new Uint8Array(memory.buffer, shardsAt, code.n * shardBytes)
}

/** Speeds of different results are not worth comparing. */
function assertSame(ways: readonly Encode[], code: Code, shardBytes: number): void {
  const shards = shardsOf(code, shardBytes)
  shards.set(seededRandom(1).bytes(code.k * shardBytes))
  const results = ways.map((way) => {
    shards.fill(0, code.k * shardBytes)
    way(code, shardBytes)
    return shards.slice(code.k * shardBytes)
  })
  for (const result of results) assert.ok(equalBytes(result, results[0]!))
}

/** GB/s over about 30 ms. */
function speed(way: Encode, code: Code, shardBytes: number): number {
  const started = performance.now()
  let bytes = 0
  let ms: number
  do {
    way(code, shardBytes)
    bytes += code.k * shardBytes
    ms = performance.now() - started
  } while (ms < 30)
  return bytes / 1e6 / ms
}

if (import.meta.main) await run(process.argv.slice(2))
