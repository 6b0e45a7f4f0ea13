import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkCode, codeFor, formatCode, parseCode, policyFor, shardBytesOf } from './code.ts'

describe('the policy', () => {
  it('grows with the number of storage members', () => {
    const aims = [
      [1, '1+0'],
      [2, '1+1'],
      [3, '2+1'],
      [4, '2+2'],
      [5, '3+2'],
      [6, '4+2'],
      [8, '4+2'],
      [9, '6+3'],
      [13, '6+3'],
      [14, '10+4'],
      [1000, '10+4'],
    ] as const
    for (const [members, code] of aims) assert.equal(formatCode(policyFor(members)), code)
  })

  it('never aims at more shards than there are members, so that each can be elsewhere', () => {
    for (let members = 1; members < 300; members++) {
      const code = checkCode(policyFor(members))
      assert.ok(code.n <= members)
    }
  })

  it('keeps small blocks as copies that survive as many losses', () => {
    const policy = { k: 4, n: 6 }
    assert.deepEqual(codeFor(policy, 64 * 1024 - 1), { k: 1, n: 3 })
    assert.deepEqual(codeFor(policy, 64 * 1024), policy)
  })
})

describe('a code', () => {
  it('has shards just long enough for the block', () => {
    assert.equal(shardBytesOf({ k: 1, n: 3 }, 1000), 1000)
    assert.equal(shardBytesOf({ k: 4, n: 6 }, 1000), 250)
    assert.equal(shardBytesOf({ k: 4, n: 6 }, 1001), 251)
    assert.equal(shardBytesOf({ k: 10, n: 14 }, 1 << 20), 104858)
    assert.equal(shardBytesOf({ k: 10, n: 14 }, 1), 1)
  })

  it('is read as it is written', () => {
    for (const text of ['1+0', '1+2', '4+2', '10+4', '128+128']) {
      assert.equal(formatCode(parseCode(text)), text)
    }
    assert.deepEqual(parseCode(' 6+3 '), { k: 6, n: 9 })
  })

  it('is refused with a sentence that says how to write it', () => {
    for (const text of ['', '4', '4 of 6', '4/6', '4+', '+2', '-4+2', '4+2+1', '4.5+2', '1000+1']) {
      assert.throws(() => parseCode(text), { code: 'bad-input', message: /write data\+parity/ })
    }
  })

  it('is refused when it cannot be, or costs more than there is room for', () => {
    const refused: [number, number, RegExp][] = [
      [0, 2, /1 ≤ k ≤ n/],
      [3, 2, /1 ≤ k ≤ n/],
      [2.5, 4, /1 ≤ k ≤ n/],
      [NaN, 4, /1 ≤ k ≤ n/],
      [2, Infinity, /1 ≤ k ≤ n/],
      [200, 257, /at most 256 shards/],
      [2, 9, /at most 4 times/],
    ]
    for (const [k, n, message] of refused) {
      assert.throws(() => checkCode({ k, n }), { code: 'bad-input', message })
    }
    for (const [k, n] of [
      [1, 1],
      [1, 256],
      [2, 8],
      [256, 256],
      [64, 256],
    ] as const) {
      assert.deepEqual(checkCode({ k, n }), { k, n })
    }
  })
})
