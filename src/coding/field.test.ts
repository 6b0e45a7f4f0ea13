import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import vectors from '../../test/vectors/coding.json' with { type: 'json' }
import { inverse, multiply, power } from './field.ts'

const values = Array.from({ length: 256 }, (_, value) => value)

/** By the definition: a product of polynomials, reduced whenever it has grown. */
function multiplySlowly(a: number, b: number): number {
  let product = 0
  for (let bit = 7; bit >= 0; bit--) {
    product = product & 0x80 ? (product << 1) ^ Number(vectors.field.polynomial) : product << 1
    if (b & (1 << bit)) product ^= a
  }
  return product
}

describe('the field', () => {
  it('multiplies as polynomials do', () => {
    for (const a of values) {
      for (const b of values) assert.equal(multiply(a, b), multiplySlowly(a, b))
    }
  })

  it('multiplies and raises to powers as klauspost and Backblaze publish', () => {
    for (const [a, b, product] of vectors.field.products) {
      assert.equal(multiply(a!, b!), product)
    }
    for (const [a, n, result] of vectors.field.powers) assert.equal(power(a!, n!), result)
  })

  it('has an inverse of everything but zero', () => {
    for (const a of values.slice(1)) assert.equal(multiply(a, inverse(a)), 1)
  })

  it('distributes over addition, which is exclusive or', () => {
    for (const a of values) {
      for (const b of values) {
        const c = (a * 7 + b * 13) & 255
        assert.equal(multiply(a, b ^ c), multiply(a, b) ^ multiply(a, c))
      }
    }
  })

  it('raises to a power by multiplying again and again', () => {
    for (const a of values) {
      for (let n = 0, product = 1; n < 300; n++, product = multiply(product, a)) {
        assert.equal(power(a, n), product)
      }
    }
  })
})
