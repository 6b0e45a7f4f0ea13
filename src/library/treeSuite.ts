import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readFile, readlink, rm, stat, symlink } from 'node:fs/promises'
import { utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { seededRandom } from '../base/random.ts'
import type { Drey } from './drey.ts'
import type { PutFolderReply } from './folders.ts'

const oak = seededRandom(9).bytes(1_200_000) // Two segments.
const notes = 'the first acorns\n'
const modified = new Date('2026-11-01T10:00:00Z')

/** What every keeper of `Drey` does with folders and names, over a node that is alone in its swarm. */
export function treeSuite(name: string, open: () => Promise<Drey>): void {
  describe(`${name}, with folders and names`, () => {
    let home: string
    let photos: string
    let drey: Drey
    let stored: PutFolderReply
    before(async () => {
      home = await mkdtemp(join(tmpdir(), 'drey-tree-'))
      photos = await makeFolder(home)
      drey = await open()
      stored = await drey.putFolder(photos)
    })
    after(async () => {
      await drey[Symbol.asyncDispose]()
      await rm(home, { recursive: true })
    })

    it('stores a folder as one blob, and writes it again as it was', async () => {
      assert.deepEqual([stored.count, stored.size, stored.failed], [4, 1_200_017, []])
      assert.equal(stored.receipt?.syncedOn, 1)
      const back = join(home, 'back')
      const told: number[] = []

      const done = await drey.getFolder(stored.address, back, {
        onProgress: (bytes) => told.push(bytes),
      })

      assert.deepEqual(done, { files: 2, bytes: 1_200_017 })
      assert.equal(told.at(-1), 1_200_017)
      assert.deepEqual(new Uint8Array(await readFile(join(back, '2026/oak.raw'))), oak)
      assert.equal(await readlink(join(back, 'latest')), '2026/oak.raw')
      const { mode, mtime } = await stat(join(back, '2026/notes.txt'))
      assert.deepEqual([mode & 0o777, mtime], [0o640, modified])
    })

    it('lists what was stored under its folder’s name, and stores nothing anew when nothing changed', async () => {
      const again = await drey.putFolder(photos)

      assert.equal(again.address, stored.address)
      assert.equal(again.receipt?.newBytes ?? 0, 0)
      const { blobs } = await drey.list({ search: stored.address })
      assert.deepEqual([...new Set(blobs.map((blob) => blob.name))], ['photos'])
    })

    it('leaves out what it is told to, and takes a name, a hash and a time', async () => {
      const expires = new Date(Date.now() + 3_600_000)
      const isLeftOut = (path: string) => path === '2026/oak.raw'

      const { count, size, address } = await drey.putFolder(photos, {
        ...{ isLeftOut, expires, name: 'for Anna', hash: 'sha2-256' },
      })

      assert.deepEqual([count, size], [3, notes.length])
      const [blob] = (await drey.list({ search: 'for Anna' })).blobs
      assert.equal(blob?.address, address)
      assert.ok(Math.abs(blob.expires! - expires.getTime()) < 60_000)
    })

    it('tells what is in a folder, or all that is below it', async () => {
      const [first, second, ...more] = await Array.fromAsync(drey.entries(stored.address))
      assert.deepEqual(more, [])
      assert.ok(first?.type === 'folder' && second?.type === 'symlink')
      assert.deepEqual([first.name, first.count, first.size], ['2026', 2, 1_200_017])
      assert.deepEqual([second.name, second.target], ['latest', '2026/oak.raw'])

      const all = await Array.fromAsync(drey.entries(stored.address, { deep: true }))
      const paths = ['2026', '2026/notes.txt', '2026/oak.raw', 'latest']
      assert.deepEqual(
        all.map(({ path }) => path),
        paths,
      )
      const [, text] = all
      assert.ok(text?.type === 'file')
      assert.deepEqual([text.mode, text.modified, text.size], [0o640, modified, notes.length])
      assert.equal(await drey.get(text.link).text(), notes)
    })

    it('reads a file of a folder by its path, and any range of it', async () => {
      assert.equal(await drey.get(`${stored.address}/2026/notes.txt`).text(), notes)
      assert.equal(await drey.get(`${stored.link}/2026/oak.raw`).size(), oak.length)
      assert.deepEqual(
        await drey.range(`${stored.address}/2026/oak.raw`, 1_048_570, 1_048_580),
        oak.slice(1_048_570, 1_048_580),
      )
      assert.equal(await drey.has(`${stored.address}/2026/notes.txt`), true)
      assert.equal(await drey.has(`${stored.address}/2027`), false)
      const inner = await Array.fromAsync(drey.entries(`${stored.address}/2026`))
      assert.equal(inner.length, 2)
    })

    it('keeps and checks a folder with all that is below it', async () => {
      const { blocks } = await drey.keep(stored.link)

      assert.equal((await drey.check(stored.link)).blocks, blocks)
      assert.ok(blocks > 4)
    })

    it('says what is wrong with a folder, and what is none', async () => {
      const file = await drey.put('no folder')
      const gone = join(home, 'gone')

      await assert.rejects(drey.putFolder(gone), { code: 'ENOENT' })
      await assert.rejects(drey.getFolder(file.address, gone), { code: 'bad-input' })
      await assert.rejects(drey.getFolder(stored.address, photos), { code: 'bad-input' })
      await assert.rejects(Array.fromAsync(drey.entries(file.address)), { code: 'bad-input' })
      await assert.rejects(drey.get(`${stored.address}/latest`).bytes(), /symbolic link/)
      await assert.rejects(drey.check(`${stored.address}/2026`), { code: 'bad-input' })
    })

    it('ends with the reason of the signal', async () => {
      const reason = new Error('enough')
      const over = { signal: AbortSignal.abort(reason) }
      const controller = new AbortController()
      const onProgress = () => controller.abort(reason)
      const soon = { signal: controller.signal, onProgress, hash: 'sha1' } as const

      await assert.rejects(drey.putFolder(photos, soon), reason)
      await assert.rejects(drey.putFolder(photos, over), reason)
      await assert.rejects(drey.getFolder(stored.address, join(home, 'over'), over), reason)
      await assert.rejects(Array.fromAsync(drey.entries(stored.address, over)), reason)
      await assert.rejects(drey.names.list(over), reason)
    })

    it('sets what a name means, reads by it, and knows what it has meant', async () => {
      const first = await drey.put('first')
      const second = await drey.put('second')
      assert.equal((await drey.names.set('what? 100 %', first.address)).version, 1)
      assert.equal((await drey.names.set('what? 100 %', second.link)).leased, true)

      assert.equal(await drey.get('what? 100 %').text(), 'second')
      assert.equal((await drey.names.get('what? 100 %')).address, second.address)
      const log = await drey.names.log('what? 100 %')
      assert.deepEqual(
        log.map(({ version, address }) => [version, address]),
        [
          [2, second.address],
          [1, first.address],
        ],
      )
      assert.equal((await drey.names.revert('what? 100 %')).address, first.address)
      await drey.names.revert('what? 100 %', { version: 2 })
      assert.equal(await drey.get('what? 100 %').text(), 'second')
    })

    it('follows a name into a folder, until it is removed', async () => {
      await drey.names.set('photos', stored.address)
      assert.equal(await drey.get('photos/2026/notes.txt').text(), notes)
      assert.ok((await drey.names.list()).some(({ name }) => name === 'photos'))

      await drey.names.remove('photos')

      await assert.rejects(drey.get('photos/2026/notes.txt').text(), { code: 'not-found' })
      assert.equal(await drey.has('photos'), false)
      await assert.rejects(drey.names.get('photos'), { code: 'not-found' })
      await assert.rejects(drey.names.set('a/b', stored.address), { code: 'bad-input' })
    })
  })
}

/** Two files, a folder and a symbolic link. */
async function makeFolder(home: string): Promise<string> {
  const photos = join(home, 'photos')
  const text = join(photos, '2026/notes.txt')
  await mkdir(join(photos, '2026'), { recursive: true })
  await writeFile(text, notes)
  await chmod(text, 0o640)
  await utimes(text, modified, modified)
  await writeFile(join(photos, '2026/oak.raw'), oak)
  await symlink('2026/oak.raw', join(photos, 'latest'))
  return photos
}
