import assert from 'node:assert/strict'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { formatAddress, parseAddress } from '../address/address.ts'
import { concat, fromHex, toHex } from '../base/bytes.ts'
import { isDreyError } from '../base/error.ts'
import { seededRandom } from '../base/random.ts'
import type { Layout } from '../coding/layout.ts'
import { nameOf, sampleShard } from './sample.ts'
import { decodeHead, encodeHead, readShardFile } from './shardFile.ts'
import { formatShardName, parseShardName, subfolderOf, subfolders } from './shardName.ts'
import type { Shard } from './store.ts'

interface Vector {
  about: string
  layout: { block: string; size: number; k: number; n: number; shards: string[] }
  index: number
  payload: string
  subfolder: string
  name: string
  file: string
}

const vectors = JSON.parse(
  readFileSync(new URL('../../test/vectors/shard-file.json', import.meta.url), 'utf8'),
) as { files: Vector[] }

let folder: string
before(async () => (folder = await mkdtemp(join(tmpdir(), 'drey-shard-file-'))))
after(() => rm(folder, { recursive: true }))

/** Reads a file with these bytes as if it had this name. */
async function read(bytes: Uint8Array, name: string): Promise<Shard> {
  const path = join(folder, 'file')
  await writeFile(path, bytes)
  await using handle = await open(path)
  return await readShardFile(handle, name, bytes.length)
}

describe('the file of a shard', () => {
  for (const { about, layout, index, payload, subfolder, name, file } of vectors.files) {
    const whole: Layout = {
      ...layout,
      block: parseAddress(layout.block),
      shards: layout.shards.map(fromHex),
    }

    it(`is, byte by byte, what was promised: ${about}`, () => {
      assert.equal(toHex(concat([encodeHead(whole, index), fromHex(payload)])), file)
      assert.equal(subfolderOf(layout.block), subfolder)
      const parsed = parseShardName(name)!
      assert.equal(formatAddress(parsed.block), layout.block)
      assert.equal(formatShardName(parsed), name)
    })

    it(`is read as what it was: ${about}`, async () => {
      const shard = await read(fromHex(file), name)
      assert.deepEqual(shard, { layout: whole, index, bytes: fromHex(payload) })
    })
  }

  it('is refused with any of its bits flipped, cut off anywhere, or with something behind it', async () => {
    const { file, name } = vectors.files[2]!
    const bytes = fromHex(file)
    for (let at = 0; at < bytes.length; at++) {
      const flipped = bytes.with(at, bytes[at]! ^ (1 << (at % 8)))
      await assert.rejects(read(flipped, name), { code: 'corrupt' }, `flipped at ${at}`)
      await assert.rejects(read(bytes.subarray(0, at), name), { code: 'corrupt' }, `cut at ${at}`)
    }
    await assert.rejects(read(concat([bytes, new Uint8Array(1)]), name), { code: 'corrupt' })
  })

  it(
    'is refused when the disk cannot read it, as if it had rotted',
    { skip: process.platform !== 'linux' && 'no file that fails to be read' },
    async () => {
      await using handle = await open('/proc/self/mem') // Nothing is mapped at its beginning: EIO.
      await assert.rejects(readShardFile(handle, vectors.files[0]!.name, 1000), (error: Error) => {
        assert.equal((error.cause as NodeJS.ErrnoException).code, 'EIO')
        return isDreyError(error, 'corrupt')
      })
    },
  )

  it('is refused under the name of another', async () => {
    const [one, other] = vectors.files
    await assert.rejects(read(fromHex(one!.file), other!.name), { code: 'corrupt' })
  })

  it('is refused, with its version, when a newer Drey wrote it', () => {
    const bytes = fromHex(vectors.files[0]!.file).with(7, 2)
    assert.throws(() => decodeHead(bytes), /version is 2/)
  })

  it('has a head that names its layout before anything of the payload is read', () => {
    const { layout, index } = sampleShard(seededRandom(1), { k: 10, n: 14, index: 13 })
    const encoded = encodeHead(layout, index)
    const head = decodeHead(encoded)
    assert.deepEqual(head.layout, layout)
    assert.deepEqual([head.index, head.headBytes, head.payloadBytes], [13, encoded.length, 1000])
  })
})

describe('the name of a shard file', () => {
  it('is recognised, and others are not', () => {
    const name = formatShardName(nameOf(sampleShard(seededRandom(1))))
    const [address, layout, index] = name.split('.')
    assert.notEqual(parseShardName(name), undefined)
    for (const other of [
      '.DS_Store',
      `${name}~`,
      `${address}.${layout}`,
      `${address}.${layout}.01`,
      `${address}.${layout?.slice(1)}.${index}`,
      `${address?.toUpperCase()}.${layout}.${index}`,
      `${address?.slice(0, -4)}.${layout}.${index}`,
      `${address?.slice(0, -1)}7.${layout}.${index}`, // Bits that base32 leaves over are set.
    ]) {
      assert.equal(parseShardName(other), undefined, other)
    }
  })

  it('spreads blocks evenly over the subfolders', () => {
    const random = seededRandom(5)
    const counts = new Map(subfolders.map((subfolder) => [subfolder, 0]))
    for (let block = 0; block < 20_480; block++) {
      const { layout } = sampleShard(random, { bytes: 1 })
      const subfolder = subfolderOf(formatAddress(layout.block))
      counts.set(subfolder, counts.get(subfolder)! + 1)
    }
    // Twenty each on average; a fair spread of 1,024 has its extremes near 7 and 38.
    const [least, most] = [Math.min(...counts.values()), Math.max(...counts.values())]
    assert.ok(least >= 3 && most <= 50, `between ${least} and ${most}`)
  })
})
