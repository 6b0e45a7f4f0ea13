import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import vectors from '../../test/vectors/coding.json' with { type: 'json' }
import { equalBytes, fromHex, toHex } from '../base/bytes.ts'
import { between, seededRandom, type Random } from '../base/random.ts'
import type { Code } from './code.ts'
import { openSimdKernel, scalarKernel, scratchBytes, type Kernel } from './kernel.ts'
import { range } from './matrix.ts'
import { encode, rebuild } from './reed-solomon.ts'

const memory = new WebAssembly.Memory({ initial: 32, maximum: 32, shared: true })
const bytes = new Uint8Array(memory.buffer)
const dataAt = scratchBytes + 1

const kernels: Record<string, Kernel> = {
  'strict SIMD': openSimdKernel(memory, 0, 'kernel.wasm')!,
  'relaxed SIMD': openSimdKernel(memory, 0, 'kernel-relaxed.wasm')!,
  scalar: scalarKernel(memory),
}
const kernel = kernels['strict SIMD']!

/** Codes the data, and takes copies of all n shards. */
function shardsOf(kernel: Kernel, code: Code, shardBytes: number, data: Uint8Array): Uint8Array[] {
  const parityAt = dataAt + code.k * shardBytes
  bytes.fill(0, dataAt, parityAt)
  bytes.set(data, dataAt)
  encode(kernel, code, shardBytes, dataAt, parityAt)
  return range(code.n).map((index) => shardIn(index, shardBytes).slice())
}

function shardIn(place: number, shardBytes: number): Uint8Array {
  return bytes.subarray(dataAt + place * shardBytes, dataAt + (place + 1) * shardBytes)
}

/** As in test/vectors. */
function statedBlock(size: number): Uint8Array {
  return new Uint8Array(size).map((_, i) => 31 * i + 7 * Math.floor(i / 256) + 7)
}

/** Leaves only `kept` in memory, in that order, and asks for all others. */
function assertRebuilds(code: Code, shards: readonly Uint8Array[], kept: readonly number[]): void {
  const shardBytes = shards[0]!.length
  const gone = range(code.n).filter((index) => !kept.includes(index))
  const place = new Map([...kept, ...gone].map((index, at) => [index, dataAt + at * shardBytes]))
  bytes.fill(0xee, dataAt, dataAt + (code.n + 1) * shardBytes)
  for (const index of kept) bytes.set(shards[index]!, place.get(index))

  const offsets = (indices: readonly number[]) => new Map(indices.map((i) => [i, place.get(i)!]))
  rebuild(kernel, code, shardBytes, offsets(kept), offsets(gone))

  for (const [at, index] of [...kept, ...gone].entries()) {
    const what = `shard ${index} of ${code.k} of ${code.n}, from ${kept}`
    assert.ok(equalBytes(shardIn(at, shardBytes), shards[index]!), what)
  }
  assert.ok(shardIn(code.n, shardBytes).every((byte) => byte === 0xee))
}

/** All choices of `count` among `items`. */
function choices(items: readonly number[], count: number): number[][] {
  if (count === 0) return [[]]
  return items.flatMap((item, at) =>
    choices(items.slice(at + 1), count - 1).map((rest) => [item, ...rest]),
  )
}

/** `count` different numbers below n, in any order. */
function someOf(n: number, count: number, random: Random): number[] {
  const left = range(n)
  return range(count).map(() => left.splice(between(random, 0, left.length), 1)[0]!)
}

for (const [name, kernel] of Object.entries(kernels)) {
  describe(`parity (${name})`, () => {
    it('is what klauspost and Backblaze publish', () => {
      const { k, n, data, parity } = vectors.published
      const shards = shardsOf(kernel, { k, n }, 2, fromHex(data.join('')))
      assert.deepEqual(shards.map(toHex), [...data, ...parity])
    })

    it('is what klauspost’s implementation computes', () => {
      for (const { k, n, blockBytes, shardBytes, parity, paritySha256 } of vectors.blocks.cases) {
        const shards = shardsOf(kernel, { k, n }, shardBytes, statedBlock(blockBytes)).slice(k)
        if (parity) assert.deepEqual(shards.map(toHex), parity)
        if (paritySha256) {
          const hashes = shards.map((shard) => createHash('sha256').update(shard).digest('hex'))
          assert.deepEqual(hashes, paritySha256)
        }
      }
    })
  })
}

describe('rebuilding', () => {
  it('gives every shard back from any k of n', () => {
    const random = seededRandom(6)
    for (const code of [
      [1, 1],
      [1, 3],
      [2, 3],
      [2, 4],
      [3, 5],
      [4, 6],
    ].map(([k, n]) => ({ k: k!, n: n! }))) {
      const data = random.bytes(code.k * 33)
      const shards = shardsOf(kernel, code, 33, data)
      if (code.k === 1) shards.fill(data) // Copies are not computed.
      for (const kept of choices(range(code.n), code.k)) assertRebuilds(code, shards, kept)
    }
  })

  it('gives every shard back from k of many, whatever order they come in', () => {
    const random = seededRandom(7)
    const rounds: [number, number, number][] = [
      [6, 9, 60],
      [10, 14, 60],
      [20, 80, 5],
      [250, 256, 2],
    ]
    for (const [k, n, count] of rounds) {
      const shards = shardsOf(kernel, { k, n }, 45, random.bytes(k * 45))
      for (let round = 0; round < count; round++) {
        assertRebuilds({ k, n }, shards, someOf(n, k, random))
      }
    }
  })

  it('takes more than k shards and needs only k', () => {
    const random = seededRandom(8)
    const shards = shardsOf(kernel, { k: 4, n: 6 }, 50, random.bytes(200))
    assertRebuilds({ k: 4, n: 6 }, shards, [5, 1, 0, 4, 2])
  })

  it('still gives the right bytes after more codes than it remembers', () => {
    const random = seededRandom(9)
    for (let round = 0; round < 2; round++) {
      for (let k = 2; k < 40; k++) {
        const code = { k, n: k + 2 }
        const shards = shardsOf(kernel, code, 40, random.bytes(k * 40))
        assertRebuilds(code, shards, range(code.n).slice(2))
      }
    }
  })

  it('refuses fewer than k shards and touches nothing', () => {
    const before = bytes.slice()
    const present = new Map([0, 2, 5].map((index) => [index, dataAt + index * 100]))
    assert.throws(
      () => rebuild(kernel, { k: 4, n: 6 }, 100, present, new Map([[1, dataAt + 100]])),
      { code: 'not-enough-shards', message: 'needed 4 shards, found 3' },
    )
    assert.ok(equalBytes(bytes, before))
  })

  it('refuses shards that the code does not have', () => {
    const present = new Map([0, 6].map((index) => [index, dataAt + index * 100]))
    const refused = { name: 'AssertionError' }
    assert.throws(() => rebuild(kernel, { k: 2, n: 4 }, 100, present, new Map()), refused)
    const wanted = new Map([[4, dataAt]])
    present.delete(6)
    present.set(1, dataAt + 100)
    assert.throws(() => rebuild(kernel, { k: 2, n: 4 }, 100, present, wanted), refused)
  })
})

describe('copies', () => {
  it('have nothing to compute: no byte changes', () => {
    const before = bytes.slice()
    encode(kernel, { k: 1, n: 3 }, 100, dataAt, dataAt + 100)
    assert.ok(equalBytes(bytes, before))
  })
})
