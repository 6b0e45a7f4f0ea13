import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { blake3 } from '../address/blake3.ts'
import { toHex } from '../base/bytes.ts'
import { seededRandom } from '../base/random.ts'
import { contentKey, readKeysOf, unwrapKey, wrapKey } from './keys.ts'

// From test_vectors/test_vectors.json of https://github.com/BLAKE3-team/BLAKE3, the first 32 bytes;
// byte i of the input is i mod 251.
const published = {
  key: Buffer.from('whats the Elvish word for friend'),
  context: 'BLAKE3 2019-12-27 16:29:52 test vectors context',
  cases: [
    {
      size: 0,
      keyed: '92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26',
      derived: '2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d',
    },
    {
      size: 1023,
      keyed: 'c951ecdf03288d0fcc96ee3413563d8a6d3589547f2c2fb36d9786470f1b9d6e',
      derived: '74a16c1c3d44368a86e1ca6df64be6a2f64cce8f09220787450722d85725dea5',
    },
    {
      size: 5121, // Six chunks of BLAKE3's tree, the last of one byte.
      keyed: '6ccf1c34753e7a044db80798ecd0782a8f76f33563accaddbfbb2e0ea4b2d024',
      derived: 'b07f01e518e702f7ccb44a267e9e112d403a7b3f4883a47ffbed4b48339b3c34',
    },
  ],
}

const secret = seededRandom(1).bytes(32)
const keys = readKeysOf(secret)

describe('The keys of a swarm', () => {
  it("rest on BLAKE3's keyed and derive modes, as published", () => {
    for (const { size, keyed, derived } of published.cases) {
      const input = Uint8Array.from({ length: size }, (_, index) => index % 251)

      assert.equal(toHex(contentKey(published.key, input)), keyed)
      assert.equal(toHex(blake3.derive(published.context, input)), derived)
    }
  })

  it('are derived from the read secret, each for one purpose', () => {
    assert.deepEqual(keys, {
      segment: blake3.derive('drey 2026 v1 segment keys', secret),
      manifest: blake3.derive('drey 2026 v1 manifest keys', secret),
      wrap: blake3.derive('drey 2026 v1 root key wrap', secret),
      wrapCheck: blake3.derive('drey 2026 v1 root key wrap check', secret),
      nameId: blake3.derive('drey 2026 v1 name ids', secret),
      nameValue: blake3.derive('drey 2026 v1 name values', secret),
    })
    assert.equal(new Set(Object.values(keys).map(toHex)).size, 6)
  })

  it('need a read secret of 32 bytes', () => {
    for (const size of [0, 31, 33]) {
      assert.throws(() => readKeysOf(new Uint8Array(size)), { code: 'bad-input' })
    }
  })

  it('seal equal content equally, and any other, or in another swarm, otherwise', () => {
    const content = seededRandom(2).bytes(1000)
    const key = toHex(contentKey(keys.segment, content))

    assert.equal(toHex(contentKey(readKeysOf(secret.slice()).segment, content.slice())), key)
    assert.notEqual(toHex(contentKey(keys.segment, content.subarray(1))), key)
    assert.notEqual(toHex(contentKey(keys.manifest, content)), key)
    const others = readKeysOf(secret.with(31, secret[31]! ^ 1))
    assert.notEqual(toHex(contentKey(others.segment, content)), key)
  })
})

describe("A root's wrapped key", () => {
  const key = seededRandom(3).bytes(32)
  const wrapped = wrapKey(keys, key)

  it('is unwrapped by whoever has the read secret', () => {
    assert.deepEqual(new Uint8Array(unwrapKey(keys, wrapped)!), key)
  })

  it('is always wrapped in the same way, and does not show', () => {
    assert.deepEqual(wrapKey(keys, key.slice()), wrapped)
    assert.equal(wrapped.length, 48)
    assert.notDeepEqual(wrapped.slice(16), key)
  })

  it('is not there under another read secret', () => {
    const others = readKeysOf(seededRandom(4).bytes(32))
    assert.equal(unwrapKey(others, wrapped), undefined)
  })

  it('is not there with any of its bits flipped, cut off, or with something behind', () => {
    for (let at = 0; at < wrapped.length; at++) {
      const flipped = wrapped.with(at, wrapped[at]! ^ (1 << (at % 8)))
      assert.equal(unwrapKey(keys, flipped), undefined, `flipped at ${at}`)
      assert.equal(unwrapKey(keys, wrapped.subarray(0, at)), undefined, `cut at ${at}`)
    }
    assert.equal(unwrapKey(keys, Buffer.concat([wrapped, Buffer.of(0)])), undefined)
  })
})
