import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDreyError } from '../base/error.ts'
import { seededRandom } from '../base/random.ts'
import { addressOf, formatAddress } from './address.ts'
import { formatLink, parseLink } from './link.ts'

const random = seededRandom(5)
const address = addressOf('dag-cbor', 'blake3', random.bytes(100))
const key = random.bytes(32)

describe('A link', () => {
  it('carries the address and the key', () => {
    const read = parseLink(` ${formatLink({ address, key })}\n`)

    assert.ok(read.address.equals(address))
    assert.deepEqual(read.key, key)
  })

  it('has the key behind "#", which browsers do not send', () => {
    const url = new URL(formatLink({ address, key }))

    assert.equal(url.pathname, formatAddress(address))
    assert.equal(url.hash.length, 44)
  })

  it('may be a plain address, for those who have the read secret', () => {
    for (const text of [formatAddress(address), `drey:${formatAddress(address)}`]) {
      const read = parseLink(text)

      assert.ok(read.address.equals(address))
      assert.equal(read.key, undefined)
    }
  })

  it('is refused when the key is not whole, saying what is wrong and keeping the key to itself', () => {
    const link = formatLink({ address, key })
    const cases: [text: string, reason: RegExp][] = [
      [link.slice(0, -1), /has 42 characters, not 43/],
      [`${link}x`, /has 44 characters/],
      [`drey:${formatAddress(address)}#`, /has 0 characters/],
      [`${link.slice(0, -43)}${'='.repeat(43)}`, /has "=" at position 1/],
    ]
    for (const [text, reason] of cases) {
      assert.throws(
        () => parseLink(text),
        (error) =>
          isDreyError(error, 'bad-input') &&
          reason.test(error.message) &&
          !error.message.includes(link.slice(-20, -2)),
      )
    }
  })

  it('is refused when its address is not one', () => {
    assert.throws(() => parseLink('drey:#abc'), /an address is missing/)
    assert.throws(() => parseLink('https://example.com/#x'), /begins with "b"/)
  })
})
