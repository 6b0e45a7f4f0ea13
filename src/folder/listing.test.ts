import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressOf } from '../address/address.ts'
import { isDreyError } from '../base/error.ts'
import { between, seededRandom } from '../base/random.ts'
import { encodeEntry, type Entry } from './entry.ts'
import { attributes, fileEntry, listingOf, MemoryBlobs } from './fixture.ts'
import { Folder, parsePath, placeOf } from './folder.ts'
import { magic, pageBytes, writeListing } from './listing.ts'

const random = seededRandom(7)

async function stored(bytes: Uint8Array) {
  const blobs = new MemoryBlobs()
  const { address } = await blobs.put(once(bytes))
  return { blobs, blob: await blobs.find(address) }
}

async function* once(bytes: Uint8Array) {
  yield bytes
}

async function folderOf(bytes: Uint8Array) {
  const { blobs, blob } = await stored(bytes)
  return { blobs, blob, folder: (await Folder.of(blob))! }
}

async function entriesOf(bytes: Uint8Array): Promise<Entry[]> {
  return Array.fromAsync((await folderOf(bytes)).folder.entries())
}

/** Names of all lengths, of any bytes that may be in one. */
function anyName(): Uint8Array {
  const bytes = random.bytes(between(random, 1, 256))
  return bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0xff : byte))
}

const isRefused = (error: unknown) => isDreyError(error, 'bad-input')

describe('A folder’s listing', () => {
  it('gives back every entry, in the order of names, whatever is in them', async () => {
    const key = random.bytes(32)
    const address = addressOf('dag-cbor', 'sha2-256', key)
    const link = { address, key }
    const modified = { seconds: -3, nanoseconds: 999_999_999 }
    const entries: Entry[] = [
      { ...fileEntry('a', 2 ** 50), link },
      {
        name: Buffer.from([0xff]),
        mode: 0o7777,
        modified,
        type: 'folder',
        link,
        size: 9,
        count: 3,
      },
      { name: Buffer.from('b'), ...attributes, type: 'symlink', target: Buffer.from('../\xff') },
    ]
    const { folder } = await folderOf(listingOf(entries))
    const found = await Array.fromAsync(folder.entries())

    assert.deepEqual(folder.attributes, attributes)
    const inOrder = [entries[0]!, entries[2]!, entries[1]!]
    assert.deepEqual(found.map(encodeEntry), inOrder.map(encodeEntry))
  })

  it('has pages of any number, and finds each name in the logarithm of them', async () => {
    const entries = Array.from({ length: 5_000 }, () => fileEntry(anyName(), 1))
    const unique = [
      ...new Map(entries.map((entry) => [Buffer.from(entry.name).toString('hex'), entry])).values(),
    ]
    const bytes = listingOf(unique)
    const { blobs, folder } = await folderOf(bytes)

    assert.ok(bytes.length > 10 * pageBytes)
    assert.equal((await Array.fromAsync(folder.entries())).length, unique.length)
    for (const { name } of unique.filter(() => random.fraction() < 0.05)) {
      blobs.read = 0
      assert.deepEqual(Buffer.from((await folder.find(name))!.name), Buffer.from(name))
      assert.ok(blobs.read <= pageBytes * (1 + Math.ceil(Math.log2(bytes.length / pageBytes))))
    }
    assert.equal(await folder.find(Buffer.from('not there')), undefined)
  })

  it('of an empty folder has nothing in it', async () => {
    const { folder } = await folderOf(listingOf([]))

    assert.deepEqual(await Array.fromAsync(folder.entries()), [])
    assert.equal(await folder.find(Buffer.from('a')), undefined)
  })

  it('is told from a file by its first bytes', async () => {
    for (const bytes of [new Uint8Array(), Buffer.from('drey folder'), magic.subarray(1)]) {
      assert.equal(await Folder.of((await stored(bytes)).blob), undefined)
    }
  })

  it('is refused when a name leads elsewhere', async () => {
    for (const name of ['', '.', '..', 'a/b', '/etc/passwd', '../x', 'a\0b', 'x'.repeat(1_025)]) {
      const bytes = Buffer.concat([...writeListing(attributes, [encodeEntry(fileEntry(name))])])
      await assert.rejects(entriesOf(bytes), isRefused, name)
    }
  })

  it('is refused when its names are not in order, or come twice, on one page or on two', async () => {
    const many = Array.from({ length: 2_000 }, (_, at) => `${String(at).padStart(5, '0')}`)
    for (const names of [
      ['b', 'a'],
      ['a', 'a'],
      [...many, '00001'],
      [...many, many.at(-1)!],
    ]) {
      const records = names.map((name) => encodeEntry(fileEntry(name)))
      const bytes = Buffer.concat([...writeListing(attributes, records)])
      await assert.rejects(entriesOf(bytes), isRefused)
    }
  })

  it('is refused, and nothing worse, when any of its bytes are wrong', async () => {
    const bytes = listingOf(['a', 'b', 'c'].map((name) => fileEntry(name, 5)))
    for (let round = 0; round < 2_000; round++) {
      const wrong = bytes.slice(0, between(random, magic.length, bytes.length + 1))
      for (let flips = between(random, 0, 4); flips > 0; flips--) {
        wrong[between(random, magic.length, wrong.length)]! ^= 1 << between(random, 0, 8)
      }
      try {
        for (const { name } of await entriesOf(wrong)) assert.ok(name.length > 0)
      } catch (error) {
        assert.ok(isRefused(error), String(error))
      }
    }
  })
})

describe('A path below a folder', () => {
  it('leads to what is there, and says where it ends', async () => {
    const blobs = new MemoryBlobs()
    const file = await blobs.put(once(Buffer.from('hello')))
    const inner = await blobs.put(once(listingOf([{ ...fileEntry('x', 5), link: file }])))
    const folder = { ...fileEntry('a'), type: 'folder', link: inner, size: 5, count: 1 } as const
    const { address } = await blobs.put(once(listingOf([folder])))
    const root = await blobs.find(address)
    const at = (path: string) => placeOf(blobs.find, root, parsePath(path))

    assert.equal((await at('a/x')).blob?.size, 5)
    assert.ok((await at('/a//')).folder)
    await assert.rejects(
      at('a/y'),
      (error) => isDreyError(error, 'not-found') && /"a\/y"/.test(error.message),
    )
    await assert.rejects(
      at('a/x/z'),
      (error) => isRefused(error) && /"a\/x" is no folder/.test(String(error)),
    )
  })
})
