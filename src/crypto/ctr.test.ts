import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { describe, it } from 'node:test'
import { collect, concat, fromHex, toHex } from '../base/bytes.ts'
import { between, seededRandom, type Random } from '../base/random.ts'
import { cipherAt, crypt, cryptInPlace } from './ctr.ts'

// NIST SP 800-38A (2001), F.5.5 CTR-AES256.Encrypt and F.5.6 CTR-AES256.Decrypt.
const nist = {
  key: fromHex('603deb1015ca71be2b73aef0857d7781 1f352c073b6108d72d9810a30914dff4'),
  counter: fromHex('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'),
  plaintext: fromHex(`6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
                      30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710`),
  ciphertext: fromHex(`601ec313775789a5b7a7f504bbf3d228 f443e3ca4d62b59aca84e990cacaf5c5
                       2b0930daa23de94ce87017ba2d84988d dfc9c58db67aada613c2dd08457941a6`),
}

// NIST's AES Algorithm Validation Suite, KeySbox, 256 bits: a block of zeros, which is our first counter.
const zeroBlock = {
  key: fromHex('c47b0294dbbbee0fec4757f22ffeee3587ca4730c3d33b691df38bab076bc558'),
  sealed: '46f2fb342d6f0ab477476fc501242c5f',
}

/** The key stream by the book: each counter, big-endian from zero, through the bare block cipher. */
function keyStream(key: Uint8Array, size: number): Uint8Array {
  const counters = Buffer.alloc(Math.ceil(size / 16) * 16)
  for (let at = 0; at < counters.length; at += 16) counters.writeUInt32BE(at / 16, at + 12)
  const bare = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false)
  return new Uint8Array(bare.update(counters)).subarray(0, size)
}

async function* chunksOf(random: Random, bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const size = between(random, 0, 5000)
    yield bytes.slice(at, at + size)
    at += size
  }
}

describe('The cipher that Drey uses', () => {
  it("is NIST's CTR-AES256, in both directions", () => {
    // Its counter does not begin at zero, so this is about the cipher below, not about `cipherAt`.
    const { key, counter, plaintext, ciphertext } = nist
    const sealed = createCipheriv('aes-256-ctr', key, counter).update(plaintext)
    const opened = createDecipheriv('aes-256-ctr', key, counter).update(ciphertext)

    assert.equal(toHex(sealed), toHex(ciphertext))
    assert.equal(toHex(opened), toHex(plaintext))
  })

  it("begins its counter at zero: its first key stream is NIST's sealed block of zeros", () => {
    assert.equal(toHex(cipherAt(zeroBlock.key, 0).update(Buffer.alloc(16))), zeroBlock.sealed)
  })

  it('counts as the book says, past the borders of one and two bytes', () => {
    const size = 16 * 65_540 + 5
    const zeros = new Uint8Array(size)
    cryptInPlace(nist.key, 0, zeros)

    assert.equal(Buffer.compare(zeros, keyStream(nist.key, size)), 0)
  })

  it('goes on counting where four bytes end, 64 GiB into a stream', () => {
    const offset = 2 ** 32 * 16 - 16
    const counters = fromHex(`000000000000000000000000ffffffff
                              00000000000000000000000100000000`)
    const bare = createCipheriv('aes-256-ecb', nist.key, null).setAutoPadding(false)

    assert.deepEqual(
      cipherAt(nist.key, offset).update(Buffer.alloc(32)),
      Buffer.from(bare.update(counters)),
    )
  })
})

describe('Sealing', () => {
  const random = seededRandom(38)
  const key = random.bytes(32)
  const plaintext = random.bytes(200_003) // Four pieces of `cryptInPlace`, the last a short one.
  const sealed = plaintext.slice()
  cryptInPlace(key, 0, sealed)

  it('gives the same bytes in place as in a stream, wherever its chunks are cut', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const stream = crypt(key, 0, chunksOf(seededRandom(seed), plaintext))
      assert.equal(Buffer.compare(await collect(stream), sealed), 0, `seed ${seed}`)
    }
  })

  it('opens any slice of the whole, from its offset alone', async () => {
    for (let seed = 0; seed < 200; seed++) {
      const chance = seededRandom(seed)
      const start = between(chance, 0, sealed.length + 1)
      const end = between(chance, start, sealed.length + 1)
      const inPlace = sealed.slice(start, end)
      cryptInPlace(key, start, inPlace)
      const streamed = await collect(crypt(key, start, chunksOf(chance, sealed.slice(start, end))))

      const expected = plaintext.subarray(start, end)
      assert.equal(Buffer.compare(inPlace, expected), 0, `seed ${seed}, in place`)
      assert.equal(Buffer.compare(streamed, expected), 0, `seed ${seed}, streamed`)
    }
  })

  it('touches no byte beside those it was given', () => {
    const around = new Uint8Array(70_000)
    cryptInPlace(key, 0, around.subarray(3, 69_990))

    assert.deepEqual(concat([around.subarray(0, 3), around.subarray(69_990)]), new Uint8Array(13))
  })

  it('of nothing is nothing', async () => {
    assert.equal((await collect(crypt(key, 7, chunksOf(random, new Uint8Array())))).length, 0)
    assert.doesNotThrow(() => cryptInPlace(key, 7, new Uint8Array()))
  })
})
