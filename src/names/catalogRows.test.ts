import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatAddress } from '../address/address.ts'
import { collect } from '../base/bytes.ts'
import { isDreyError } from '../base/error.ts'
import { between, seededRandom, type Random } from '../base/random.ts'
import { secretBytes } from '../lease/lease.ts'
import type { Listed } from '../lease/listed.ts'
import { decodeCatalog, encodeCatalog } from './catalogRows.ts'
import { addressCalled } from './fixture.ts'

const random = seededRandom(31)

function someListed(at: number): Listed {
  return {
    secret: new Uint8Array(random.bytes(secretBytes)),
    address: formatAddress(addressCalled(`blob ${at}`)),
    made: at * 1_000,
    expires: at % 2 === 0 ? null : at * 1_001,
    name: at % 3 === 0 ? null : 'n'.repeat(between(random, 0, 4_096)),
    size: at % 5 === 0 ? null : at ** 4,
  }
}

async function* cutUp(bytes: Uint8Array, chance: Random): AsyncGenerator<Uint8Array> {
  const memory = new Uint8Array(40_000) // Used again for each chunk, as a read's is.
  for (let at = 0; at < bytes.length;) {
    const size = Math.min(bytes.length - at, between(chance, 0, 3) ** between(chance, 1, 9))
    memory.set(bytes.subarray(at, at + size))
    yield memory.subarray(0, size)
    at += size
  }
}

async function decoded(bytes: Uint8Array): Promise<Listed[]> {
  return Array.fromAsync(decodeCatalog(cutUp(bytes, random)))
}

describe('A catalog', () => {
  it('gives back what was put into it, however its bytes come', async () => {
    for (const count of [1, 2, 300]) {
      const entries = Array.from({ length: count }, (_, at) => someListed(at))
      assert.deepEqual(await decoded(await collect(encodeCatalog(entries))), entries)
    }
  })

  it('that ends early is refused wherever it ends, unless that is after an entry', async () => {
    const entries = [someListed(1), someListed(3)].map((each) => ({ ...each, name: 'x' }))
    const [one, two] = await Promise.all(
      [entries.slice(0, 1), entries].map((some) => collect(encodeCatalog(some))),
    )
    const empty = await collect(encodeCatalog([]))
    for (let end = 0; end < two!.length; end++) {
      if (end === one!.length || end === empty.length) continue
      await assert.rejects(decoded(two!.subarray(0, end)), (error) => isDreyError(error, 'corrupt'))
    }
  })

  it('that somebody else made of other things is refused with a sentence', async () => {
    for (let round = 0; round < 300; round++) {
      const bytes = await collect(encodeCatalog([someListed(2)]))
      bytes[between(random, 0, bytes.length - 1)]! ^= between(random, 1, 255)
      try {
        assert.equal((await decoded(bytes)).length, 1)
      } catch (error) {
        assert.ok(isDreyError(error), String(error))
      }
    }
  })
})
