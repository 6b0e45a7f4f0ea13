import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { toHex } from '../base/bytes.ts'
import { nativeBlake3, portableBlake3 } from './blake3.ts'

// The first 32 bytes of some of the cases in test_vectors/test_vectors.json of
// https://github.com/BLAKE3-team/BLAKE3, where byte i of the input is i mod 251.
const key = Buffer.from('whats the Elvish word for friend')
const context = 'BLAKE3 2019-12-27 16:29:52 test vectors context'
const published = [
  {
    size: 0,
    hash: 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262',
    keyed: '92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26',
    derived: '2cc39783c223154fea8dfb7c1b1660f2ac2dcbd1c1de8277b0b0dd39b7e50d7d',
  },
  {
    size: 1,
    hash: '2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213',
    keyed: '6d7878dfff2f485635d39013278ae14f1454b8c0a3a2d34bc1ab38228a80c95b',
    derived: 'b3e2e340a117a499c6cf2398a19ee0d29cca2bb7404c73063382693bf66cb06c',
  },
  {
    size: 1024, // One chunk of BLAKE3's tree.
    hash: '42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7',
    keyed: '75c46f6f3d9eb4f55ecaaee480db732e6c2105546f1e675003687c31719c7ba4',
    derived: '7356cd7720d5b66b6d0697eb3177d9f8d73a4a5c5e968896eb6a689684302706',
  },
  {
    size: 1025,
    hash: 'd00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444',
    keyed: '357dc55de0c7e382c900fd6e320acc04146be01db6a8ce7210b7189bd664ea69',
    derived: 'effaa245f065fbf82ac186839a249707c3bddf6d3fdda22d1b95a3c970379bcb',
  },
  {
    size: 6145,
    hash: 'f1323a8631446cc50536a9f705ee5cb619424d46887f3c376c695b70e0f0507f',
    keyed: '9ac301e9e39e45e3250a7e3b3df701aa0fb6889fbd80eeecf28dbc6300fbc539',
    derived: '379bcc61d0051dd489f686c13de00d5b14c505245103dc040d9e4dd1facab8e5',
  },
]

for (const [name, blake3] of [
  ['native', nativeBlake3()],
  ['portable', portableBlake3()],
] as const) {
  describe(`The ${name} BLAKE3`, () => {
    it('gives the published figures in all three modes', () => {
      for (const { size, hash, keyed, derived } of published) {
        const input = Uint8Array.from({ length: size }, (_, index) => index % 251)

        assert.equal(toHex(blake3.hash(input)), hash)
        assert.equal(toHex(blake3.keyed(key, input)), keyed)
        assert.equal(toHex(blake3.derive(context, input)), derived)
      }
    })

    it('gives digests that can be cut and copied like any array of bytes', () => {
      const digest = blake3.hash(key)
      digest.slice(0, 4).fill(0)

      assert.deepEqual(digest, blake3.hash(key))
      assert.equal(digest.constructor, Uint8Array)
    })
  })
}

it('The native and the portable BLAKE3 agree on parts of larger buffers, of any length', () => {
  const [native, portable] = [nativeBlake3(), portableBlake3()]
  const bytes = seededRandom(3).bytes(20_000)
  for (const size of [63, 64, 65, 4095, 16_384, 19_999]) {
    const part = bytes.subarray(1, 1 + size)

    assert.deepEqual(native.hash(part), portable.hash(part))
    assert.deepEqual(native.keyed(key, part), portable.keyed(key, part))
    assert.deepEqual(native.derive(context, part), portable.derive(context, part))
  }
})
