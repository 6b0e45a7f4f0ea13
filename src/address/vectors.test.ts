import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fromHex, toHex } from '../base/bytes.ts'
import { isDreyError } from '../base/error.ts'
import { addressOf, decodeAddress, formatAddress, parseAddress, type Codec } from './address.ts'
import type { HashName } from './hash.ts'
import { formatLink, parseLink } from './link.ts'

interface Vectors {
  addresses: {
    blockBytes: number
    codec: Codec
    hash: HashName
    digest: string
    bytes: string
    text: string
  }[]
  links: { address: string; key: string; text: string }[]
  refused: { why: string; bytes: string }[]
}

const vectors = JSON.parse(
  readFileSync(new URL('../../test/vectors/address.json', import.meta.url), 'utf8'),
) as Vectors

describe('The written format of addresses', () => {
  it('is what this Drey makes and reads', () => {
    for (const { blockBytes, codec, hash, digest, bytes, text } of vectors.addresses) {
      const block = Uint8Array.from({ length: blockBytes }, (_, index) => index % 251)
      const address = addressOf(codec, hash, block)

      assert.equal(toHex(address.multihash.digest), digest)
      assert.equal(toHex(address.bytes), bytes)
      assert.equal(formatAddress(address), text)
      assert.ok(parseAddress(text).equals(address))
      assert.ok(decodeAddress(fromHex(bytes)).equals(address))
    }
  })

  it('is what this Drey makes and reads of links', () => {
    for (const { address, key, text } of vectors.links) {
      assert.equal(formatLink({ address: parseAddress(address), key: fromHex(key) }), text)
      assert.equal(toHex(parseLink(text).key!), key)
    }
  })

  for (const { why, bytes } of vectors.refused) {
    it(`excludes: ${why}`, () => {
      assert.throws(
        () => decodeAddress(fromHex(bytes)),
        (error) => isDreyError(error, 'bad-input'),
      )
    })
  }
})
