import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { base58btc } from 'multiformats/bases/base58'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { sha256 } from 'multiformats/hashes/sha2'
import { isDreyError } from '../base/error.ts'
import {
  addressOf,
  checkAddress,
  decodeAddress,
  formatAddress,
  hashOf,
  makeAddress,
  matches,
  parseAddress,
} from './address.ts'
import { digestOf, digestSizes, hashCodes, isHashName, type HashName } from './hash.ts'

const block = new TextEncoder().encode('A squirrel hides food in many places.')
const hashes = Object.keys(hashCodes) as HashName[]

describe('An address', () => {
  for (const hash of hashes) {
    it(`names its bytes, and no others, with ${hash}`, () => {
      const address = addressOf('raw', hash, block)

      assert.equal(hashOf(address), hash)
      assert.equal(address.multihash.digest.length, digestSizes[hash])
      assert.ok(matches(address, block))
      for (const bit of [0, 8 * block.length - 1]) {
        const changed = block.slice()
        changed[bit >> 3]! ^= 1 << (bit & 7)
        assert.ok(!matches(address, changed), `bit ${bit}`)
      }
      assert.ok(!matches(address, block.subarray(1)))
    })

    it(`is the same after text and after bytes, with ${hash}`, () => {
      const address = addressOf('dag-cbor', hash, block)

      assert.ok(parseAddress(formatAddress(address)).equals(address))
      assert.ok(decodeAddress(address.bytes).equals(address))
    })
  }

  it('is the CID that other IPLD tools make of the same bytes', async () => {
    const theirs = CID.createV1(raw.code, await sha256.digest(block))

    assert.equal(formatAddress(addressOf('raw', 'sha2-256', block)), theirs.toString())
  })

  it('says whether a block is a segment or a node of a manifest', () => {
    const [segment, node] = [addressOf('raw', 'sha1', block), addressOf('dag-cbor', 'sha1', block)]

    assert.ok(!segment.equals(node))
    assert.ok(matches(node, block), 'the bytes are the same')
  })

  it('does not change with the memory that it was read or computed from', () => {
    const digest = digestOf('blake3', block)
    const address = makeAddress('raw', 'blake3', digest)
    const bytes = new Uint8Array(address.bytes)
    const read = decodeAddress(bytes)
    digest.fill(0)
    bytes.fill(0)

    assert.ok(matches(address, block))
    assert.ok(matches(read, block))
  })

  it('is understood with white space around it, and in the other alphabets of CIDs', () => {
    const address = addressOf('raw', 'blake3', block)

    assert.ok(parseAddress(`  ${formatAddress(address)}\n`).equals(address))
    assert.ok(parseAddress(address.toString(base58btc)).equals(address))
  })
})

describe('A text that is not an address is refused with a reason:', () => {
  const good = formatAddress(addressOf('raw', 'blake3', block))
  const cases: [what: string, text: string, reason: RegExp][] = [
    ['nothing', '  ', /^an address is missing$/],
    ['a name', 'film.mp4', /begins with "b"/],
    [
      'a digit like a letter',
      `${good.slice(0, 9)}0${good.slice(10)}`,
      /"0" at position 10 is not base32/,
    ],
    ['a strange letter', `${good}😀`, /"😀" at position 60/],
    ['the end is missing', good.slice(0, -2), /has 57 characters; an address has 59/],
    ['pasted twice', good + good, /has 118 characters/],
    ['a mistyped end', `${good.slice(0, -1)}b`, /a character is mistyped/],
    ['an address of version 0', 'QmYwAPJzv5CZsnA625s1Xf2nemtYgPpHdWEz79ojWKPbdG', /version 0/],
    [
      'another codec',
      CID.createV1(0x70, addressOf('raw', 'sha1', block).multihash).toString(),
      /0x70/,
    ],
  ]
  for (const [what, text, reason] of cases) {
    it(what, () => {
      assert.throws(
        () => parseAddress(text),
        (error) => isDreyError(error, 'bad-input') && reason.test(error.message),
      )
    })
  }

  it('and a long one is not repeated whole', () => {
    assert.throws(() => parseAddress('x'.repeat(10_000)), { message: /^.{1,200}$/ })
  })
})

it('What stands in the place of an address in a peer’s data is refused, whatever it is', () => {
  for (const value of [
    undefined,
    null,
    7,
    'b',
    {},
    { code: 0x55, version: 1 },
    new Uint8Array(36),
  ]) {
    assert.throws(
      () => checkAddress(value),
      (error) => isDreyError(error, 'bad-input'),
    )
  }
})

it('Hashes are known by their multihash names', () => {
  assert.deepEqual(hashes.filter(isHashName), hashes)
  assert.ok(!isHashName('md5'))
  assert.ok(!isHashName('toString'))
})
