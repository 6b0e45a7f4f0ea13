import assert from 'node:assert/strict'
import {
  chmod,
  link as hardLink,
  lstat,
  lutimes,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { formatAddress } from '../address/address.ts'
import { isDreyError } from '../base/error.ts'
import { between, seededRandom } from '../base/random.ts'
import { FolderCache } from './cache.ts'
import type { Entry } from './entry.ts'
import { fileEntry, listingOf, MemoryBlobs } from './fixture.ts'
import { Folder } from './folder.ts'
import { bytesBelow, bytesIn } from './measure.ts'
import { restoreTree } from './restore.ts'
import { TreeStoring, type StoredTree } from './store.ts'

const { signal } = new AbortController()
const random = seededRandom(11)

let top: string
beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'drey-tree-'))
})
afterEach(async () => {
  await rm(top, { recursive: true })
})

/** Makes a tree with what file systems have. */
async function makeTree(root: string): Promise<void> {
  await mkdir(join(root, 'a', 'deep', 'er'), { recursive: true })
  await mkdir(join(root, 'empty'))
  await writeFile(join(root, 'nothing'), '')
  await writeFile(join(root, '.hidden'), 'h')
  for (let at = 0; at < 40; at++) {
    await writeFile(join(root, 'a', `file ${at}`), random.bytes(between(random, 0, 3_000)))
  }
  await writeFile(join(root, 'a', 'deep', 'big'), random.bytes(700_000))
  await writeFile(
    Buffer.concat([Buffer.from(join(root, 'a/deep/er/')), Buffer.from([0xff, 0x0a])]),
    'odd',
  )
  await symlink('../a/file 1', join(root, 'empty', 'link'))
  await symlink('/nowhere', join(root, 'dangling'))
  await chmod(join(root, 'a', 'file 1'), 0o640)
  await chmod(join(root, 'a', 'file 2'), 0o755)
  await utimes(join(root, 'a', 'file 3'), 1, 981_173_106.5)
  await lutimes(join(root, 'dangling'), 5, 1_234_567_890)
  await chmod(join(root, 'a', 'deep', 'er'), 0o500)
  await utimes(join(root, 'a'), 1, 86_400)
}

/** Everything about a tree that is kept. */
async function lookAt(path: string | Buffer): Promise<unknown> {
  const info = await lstat(path)
  const common = { mode: info.mode, modified: Math.round(info.mtimeMs) }
  if (info.isSymbolicLink()) return { ...common, target: await readlink(path) }
  if (info.isFile()) return { ...common, bytes: (await readFile(path)).toString('hex') }
  const names = await readdir(path, { encoding: 'buffer' })
  const below: [string, unknown][] = []
  for (const name of names) {
    const inner = Buffer.concat([Buffer.from(path), Buffer.from('/'), name])
    below.push([name.toString('hex'), await lookAt(inner)])
  }
  return { ...common, below: Object.fromEntries(below.sort()) }
}

interface Putting {
  readonly blobs?: MemoryBlobs
  readonly cache?: FolderCache
  readonly isLeftOut?: (path: string) => boolean
}

async function put(
  path: string,
  parts: Putting = {},
): Promise<{ stored: StoredTree; blobs: MemoryBlobs }> {
  const { blobs = new MemoryBlobs(), cache = FolderCache.inMemory(), isLeftOut } = parts
  const storing = new TreeStoring({ sink: blobs, cache }, { signal, isLeftOut })
  const stored = await storing.store(path)
  await storing.reuse()
  return { stored, blobs }
}

async function get(stored: Pick<StoredTree, 'address'>, blobs: MemoryBlobs, path: string) {
  const folder = (await Folder.of(await blobs.find(stored.address)))!
  const { find, beginning, readPart: read } = blobs
  return restoreTree(folder, path, { find, beginning, read }, { signal })
}

/** Lets what was written be so old that it is believed to be as it was. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 1_100))

describe('A tree of files', () => {
  it('comes back as it was: names, bytes, modes, times, links, and empty folders', async () => {
    const [from, to] = [join(top, 'from'), join(top, 'to')]
    await makeTree(from)
    const { stored, blobs } = await put(from)
    const done = await get(stored, blobs, to)

    assert.deepEqual(await lookAt(to), await lookAt(from))
    const folder = (await Folder.of(await blobs.find(stored.address)))!
    assert.equal(await bytesIn(folder), stored.size)
    assert.equal(await bytesBelow(Buffer.from(from), { signal }), stored.size)
    const some = { signal, isLeftOut: (path: string) => path === 'a/deep' }
    assert.equal(await bytesBelow(Buffer.from(from), some), stored.size - 700_003)
    const [written, restored] = await Promise.all(
      [from, to].map((path) => lstat(join(path, 'nothing'))),
    )
    assert.ok(Math.abs(written!.mtimeMs - restored!.mtimeMs) < 0.001, 'to the microsecond')
    assert.equal(stored.count, 50)
    assert.deepEqual(done, { files: 44, bytes: stored.size })
    assert.deepEqual(await readdir(top), ['from', 'to'])
  })

  it('has the same address wherever and whenever it is stored, and another when one byte changes', async () => {
    const from = join(top, 'from')
    await makeTree(from)
    const once = (await put(from)).stored
    const again = (await put(from)).stored
    await writeFile(join(from, 'a', 'deep', 'big'), 'x')

    assert.ok(again.address.equals(once.address))
    assert.ok(!(await put(from)).stored.address.equals(once.address))
  })

  it('that was stored before is not read again: only what has changed, and the folders above it', async () => {
    const from = join(top, 'from')
    const file = join(top, 'cache')
    const blobs = new MemoryBlobs()
    const again = async () => {
      using cache = FolderCache.open(file)
      ;[blobs.puts, blobs.keeps] = [0, 0]
      return (await put(from, { blobs, cache })).stored
    }
    await makeTree(from)
    await settle()
    const first = await again()
    const all = blobs.puts
    const second = await again()
    const [puts, keeps] = [blobs.puts, blobs.keeps]
    await writeFile(join(from, 'a', 'file 7'), 'changed')
    await again()

    assert.ok(second.address.equals(first.address))
    assert.deepEqual([puts, keeps], [0, all])
    assert.equal(blobs.puts, 3) // The file, its folder, and the folder above.
    assert.equal(blobs.keeps, all - 3)
  })

  it('of which something is gone is stored again where it is missing', async () => {
    const from = join(top, 'from')
    const blobs = new MemoryBlobs()
    const putIt = async () => {
      using cache = FolderCache.open(join(top, 'cache'))
      return (await put(from, { blobs, cache })).stored
    }
    await makeTree(from)
    await settle()
    const stored = await putIt()
    blobs.blobs.clear()
    const again = await putIt()

    assert.ok(again.address.equals(stored.address))
    await get(again, blobs, join(top, 'to'))
    assert.deepEqual(await lookAt(join(top, 'to')), await lookAt(from))
  })

  it('leaves out what it is told to, and says what it cannot store', async () => {
    const from = join(top, 'from')
    await makeTree(from)
    const isLeftOut = (path: string) => path.startsWith('a/file')
    const { stored } = await put(from, { isLeftOut })

    assert.equal(stored.count, 10)
    await assert.rejects(put(join(top, 'nowhere')), /ENOENT/)
    await assert.rejects(put(join(from, 'nothing')), /ENOTDIR/)
  })

  it('goes on where a get of it was broken off', async () => {
    const [from, to] = [join(top, 'from'), join(top, 'to')]
    await makeTree(from)
    const { stored, blobs } = await put(from)
    let left = 30
    const readSome: typeof blobs.readPart = (link, range) => {
      if (left-- === 0) throw new Error('the lights go out')
      return blobs.readPart(link, range)
    }
    const folder = (await Folder.of(await blobs.find(stored.address)))!
    const { find, beginning } = blobs
    const parts = { find, beginning, read: readSome }
    await assert.rejects(restoreTree(folder, to, parts, { signal }), /the lights go out/)
    await assert.rejects(lstat(to), /ENOENT/)
    blobs.read = 0
    await get(stored, blobs, to)

    assert.ok(blobs.read < stored.size)
    assert.deepEqual(await lookAt(to), await lookAt(from))
  })

  it('goes on with a large file that was broken off in the middle, behind what is right of it', async () => {
    const [from, to] = [join(top, 'from'), join(top, 'to')]
    await mkdir(from)
    const film = random.bytes(3_000_000)
    await writeFile(join(from, 'film'), film)
    const { stored, blobs } = await put(from)
    const partial = `${to}.${formatAddress(stored.address).slice(-8)}.part`
    const right = 1_500_000
    for (const [left, read] of [
      [film.subarray(0, right), film.length - right],
      [Buffer.concat([film.subarray(0, right), random.bytes(600_000)]), film.length - right],
      [film.subarray(0, 1_000), film.length], // Not worth a question.
      [random.bytes(film.length + 1), film.length],
    ] as const) {
      await mkdir(partial)
      await writeFile(join(partial, 'film'), left)
      blobs.read = 0
      await get(stored, blobs, to)

      assert.deepEqual(await readFile(join(to, 'film')), Buffer.from(film))
      assert.ok(blobs.read - read < 2_000, `${blobs.read} bytes were read`) // And the listing.
      await rm(to, { recursive: true })
    }
  })

  it('writes through no other name of a file', async () => {
    const blobs = new MemoryBlobs()
    const file = await blobs.put(once(random.bytes(2_000_000)))
    const folder = await blobs.put(once(listingOf([{ ...fileEntry('x', 2_000_000), link: file }])))
    const partial = join(top, `in.${formatAddress(folder.address).slice(-8)}.part`)
    const mine = Buffer.alloc(1_900_000, 'mine')
    await mkdir(partial)
    await writeFile(join(top, 'mine'), mine)
    await hardLink(join(top, 'mine'), join(partial, 'x'))
    await get(folder, blobs, join(top, 'in'))
    assert.deepEqual(await readFile(join(top, 'mine')), mine)
  })

  it('is written nowhere but where it was asked for, and over nothing', async () => {
    const blobs = new MemoryBlobs()
    const target = Buffer.from(join(top, 'outside'))
    const link = { ...fileEntry('x'), type: 'symlink', target } as Entry
    const { address } = await blobs.put(once(listingOf([link])))
    await mkdir(join(top, 'full'))
    await writeFile(join(top, 'full', 'mine'), 'mine')
    const isRefused = (error: unknown) => isDreyError(error, 'bad-input')

    await assert.rejects(get({ address }, blobs, join(top, 'full')), isRefused)
    assert.equal(await readFile(join(top, 'full', 'mine'), 'utf8'), 'mine')
    await mkdir(join(top, 'none'))
    await get({ address }, blobs, join(top, 'none'))
    assert.deepEqual(await readdir(join(top, 'none')), ['x'])
    // Somebody else puts a link where a file is to be written: it is replaced, and not followed.
    const file = await blobs.put(once(Buffer.from('new')))
    const folder = await blobs.put(once(listingOf([{ ...fileEntry('x', 3), link: file }])))
    const partial = join(top, `in.${formatAddress(folder.address).slice(-8)}.part`)
    await mkdir(partial)
    await writeFile(join(top, 'outside'), 'old')
    await symlink(join(top, 'outside'), join(partial, 'x'))
    await get(folder, blobs, join(top, 'in'))
    assert.equal(await readFile(join(top, 'outside'), 'utf8'), 'old')
    assert.equal(await readFile(join(top, 'in', 'x'), 'utf8'), 'new')
  })
})

describe('What is known of files from before', () => {
  it('is thrown away when it cannot be read, and nobody else has it at the same time', async () => {
    const file = join(top, 'cache')
    await writeFile(file, random.bytes(5_000))
    using first = FolderCache.open(file)
    using second = FolderCache.open(file)
    first.noteReused({
      path: Buffer.from('a'),
      ...(await new MemoryBlobs().put(once(magic))),
      folder: null,
    })

    assert.equal([...first.reused()].length, 1)
    assert.equal([...second.reused()].length, 0)
  })
})

const magic = new Uint8Array([1, 2, 3])

async function* once(bytes: Uint8Array) {
  yield bytes
}
