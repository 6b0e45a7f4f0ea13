import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { asBuffer, collect, concat, counted, equalBytes, free, fromHex, toHex } from './bytes.ts'
import { isDreyError } from './error.ts'

async function* pieces(...sizes: number[]): AsyncGenerator<Uint8Array> {
  let value = 0
  for (const size of sizes) yield new Uint8Array(size).fill(++value)
}

describe('Bytes', () => {
  it('are collected whole from pieces of any size', async () => {
    assert.deepEqual(await collect(pieces(2, 0, 1)), new Uint8Array([1, 1, 3]))
    assert.deepEqual(concat([]), new Uint8Array())
  })

  it('are collected as they were when given, though the giver uses its memory again', async () => {
    const memory = Buffer.alloc(1) // Its `slice` shares memory, unlike an array's.
    async function* reused() {
      for (let value = 1; value <= 3; value++) {
        memory[0] = value
        yield memory
      }
    }

    assert.deepEqual(await collect(reused()), new Uint8Array([1, 2, 3]))
  })

  it('are counted as they pass', async () => {
    let total = 0
    await collect(counted(pieces(3, 4), (size) => (total += size)))

    assert.equal(total, 7)
  })

  it('are equal when length and every byte are', () => {
    const bytes = new Uint8Array([1, 2, 3])

    assert.ok(equalBytes(bytes, new Uint8Array([0, 1, 2, 3]).subarray(1)))
    assert.ok(!equalBytes(bytes, bytes.subarray(1)))
    assert.ok(!equalBytes(bytes, new Uint8Array([1, 2, 4])))
  })

  it('are the same memory as a Buffer', () => {
    const bytes = new Uint8Array(8).subarray(2, 4)
    asBuffer(bytes)[1] = 7

    assert.deepEqual(bytes, new Uint8Array([0, 7]))
  })

  it('are read from hexadecimal text with white space, and from nothing else', () => {
    assert.deepEqual(fromHex('00ff\n 1A'), new Uint8Array([0, 255, 26]))
    assert.equal(toHex(fromHex('00ff1a')), '00ff1a')
    for (const text of ['0', 'xy', '0x00']) {
      assert.throws(
        () => fromHex(text),
        (error) => isDreyError(error, 'bad-input'),
      )
    }
  })
})

describe('Freed memory', () => {
  it('is gone at once', () => {
    const bytes = new Uint8Array(1024)
    free(bytes)

    assert.equal(bytes.length, 0)
    free(bytes) // Once more does no harm.
  })

  it('is never a part of a larger buffer, nor memory that threads share', () => {
    const part = new Uint8Array(1024).subarray(0, 512)
    const shared = new Uint8Array(new SharedArrayBuffer(16))
    free(part)
    free(shared)

    assert.equal(part.length, 512)
    assert.equal(shared.length, 16)
  })
})
