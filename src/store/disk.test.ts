import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { formatAddress } from '../address/address.ts'
import { isDreyError } from '../base/error.ts'
import { memoryLog, silentLog, type LogLine } from '../base/log.ts'
import { between, seededRandom } from '../base/random.ts'
import { openDiskStore, writeFailure, type DiskStore } from './disk.ts'
import { nameOf, sampleShard } from './sample.ts'
import { formatShardName, subfolderOf } from './shardName.ts'
import type { Shard, ShardName } from './store.ts'
import { storeSuite } from './storeSuite.ts'

let root: string
before(async () => (root = await mkdtemp(join(tmpdir(), 'drey-store-'))))
after(() => rm(root, { recursive: true }))

let made = 0
/** A folder that nobody uses yet. */
const freshPath = () => join(root, String(made++))
const quiet = { log: silentLog }

// Making a store's 1,024 folders takes longer than most of the tests: these share one, emptied each time.
storeSuite('DiskStore', () => openEmptied({}))
storeSuite('DiskStore without syncs', () => openEmptied({ unsafeNoSync: true }))

async function openEmptied(options: { unsafeNoSync?: boolean }): Promise<DiskStore> {
  const store = await openDiskStore(join(root, 'emptied'), { ...quiet, ...options })
  for await (const name of store.list()) await store.delete(name)
  return store
}

const fileOf = (shard: Shard) => formatShardName(nameOf(shard))
const pathOf = (path: string, shard: Shard) =>
  join(path, 'shards', subfolderOf(formatAddress(shard.layout.block)), fileOf(shard))

describe('a disk store', () => {
  it('gives back what was put before it was closed, and knows how much that is', async () => {
    const [path, random] = [freshPath(), seededRandom(1)]
    const shards = Array.from({ length: 30 }, () => sampleShard(random))
    const first = await openDiskStore(path, quiet)
    await Promise.all(shards.map((shard) => first.put(shard)))
    const usage = await first.usage()
    await first[Symbol.asyncDispose]()

    await using again = await openDiskStore(path, quiet)
    for (const shard of shards) assert.deepEqual(await again.get(nameOf(shard)), shard)
    const { shards: count, bytes } = await again.usage()
    assert.deepEqual([count, bytes], [usage.shards, usage.bytes])
  })

  it('counts right while shards come and go during the count', async () => {
    const [path, random] = [freshPath(), seededRandom(2)]
    const shards = Array.from({ length: 200 }, () => sampleShard(random, { bytes: 10 }))
    {
      await using store = await openDiskStore(path, { ...quiet, unsafeNoSync: true })
      await Promise.all(shards.slice(0, 100).map((shard) => store.put(shard)))
    }
    await using store = await openDiskStore(path, { ...quiet, unsafeNoSync: true })
    const kept = new Set(shards.slice(0, 100))
    await Promise.all(
      Array.from({ length: 400 }, async () => {
        const shard = shards[between(random, 0, shards.length)]!
        if (random.fraction() < 0.5) await store.put(shard)
        else await store.delete(nameOf(shard))
      }),
    )
    kept.clear()
    for (const shard of shards) if (await store.has(nameOf(shard))) kept.add(shard)
    const { shards: count } = await store.usage()
    assert.equal(count, kept.size)
  })

  it('deletes what was not finished when its process died', async () => {
    const path = freshPath()
    await (await openDiskStore(path, quiet))[Symbol.asyncDispose]()
    await writeFile(join(path, 'tmp', '17'), 'half a sh')
    await using _store = await openDiskStore(path, quiet)
    assert.deepEqual(await readdir(join(path, 'tmp')), [])
  })

  it('completes a store whose making was interrupted, or that was copied without empty folders', async () => {
    const path = freshPath()
    await mkdir(join(path, 'shards', 'aa'), { recursive: true })
    await using store = await openDiskStore(path, quiet)
    const shard = sampleShard(seededRandom(3))
    await store.put(shard)
    assert.deepEqual(await store.get(nameOf(shard)), shard)
  })

  it('refuses the store of a newer Drey, and says so', async () => {
    const path = freshPath()
    await mkdir(path)
    await writeFile(join(path, 'store.json'), '{"format":"drey store","version":2}')
    await assert.rejects(openDiskStore(path, quiet), { code: 'bad-input', message: /newer Drey/ })
  })

  it('refuses a folder that is somebody else’s, and changes nothing in it', async () => {
    const path = freshPath()
    await mkdir(join(path, 'tmp'), { recursive: true })
    await writeFile(join(path, 'tmp', 'letter.txt'), 'dear')
    await writeFile(join(path, 'photo.jpg'), 'a squirrel')
    await assert.rejects(openDiskStore(path, quiet), { code: 'bad-input', message: /photo\.jpg/ })
    assert.deepEqual((await readdir(path, { recursive: true })).sort(), [
      'photo.jpg',
      'tmp',
      join('tmp', 'letter.txt'),
    ])
  })

  it('is at home on a disk of its own, beside what the file system left there', async () => {
    const path = freshPath()
    await mkdir(join(path, 'lost+found'), { recursive: true })
    await using _store = await openDiskStore(path, quiet)
  })

  it('makes the folders above it that are missing', async () => {
    const path = join(freshPath(), 'srv', 'drey')
    await using _store = await openDiskStore(path, quiet)
    assert.ok((await readdir(path)).includes('store.json'))
  })

  it('ignores files that are not shards, and says so', async () => {
    const [path, lines] = [freshPath(), [] as LogLine[]]
    const shard = sampleShard(seededRandom(4))
    {
      await using store = await openDiskStore(path, quiet)
      await store.put(shard)
    }
    await writeFile(join(path, 'shards', 'aa', '.DS_Store'), 'x')
    // In the wrong folder it would be found by nobody who looks for it.
    await copyFile(pathOf(path, shard), join(path, 'shards', '77', fileOf(shard)))
    await using store = await openDiskStore(path, { log: memoryLog(lines) })
    assert.equal((await store.usage()).shards, 1)
    assert.equal((await Array.fromAsync(store.list())).length, 1)
    assert.deepEqual(
      lines.map(({ level, fields }) => ({ level, ...fields })),
      [
        { level: 'warn', subfolder: 'aa', file: '.DS_Store' },
        { level: 'warn', subfolder: '77', file: fileOf(shard) },
      ],
    )
  })

  it('leaves no temporary file behind when a write fails, and keeps the reason', async () => {
    const [path, shard] = [freshPath(), sampleShard(seededRandom(5))]
    await using store = await openDiskStore(path, quiet)
    const subfolder = join(pathOf(path, shard), '..')
    await rename(subfolder, `${subfolder}-away`)
    await assert.rejects(store.put(shard), (error: Error) => {
      return (error.cause as NodeJS.ErrnoException).code === 'ENOENT'
    })
    assert.deepEqual(await readdir(join(path, 'tmp')), [])
    await rename(`${subfolder}-away`, subfolder)
    assert.equal(await store.put(shard), true)
  })

  it('says that the disk is full in words that help', () => {
    for (const code of ['ENOSPC', 'EDQUOT']) {
      const cause = Object.assign(new Error(code), { code })
      const failure = writeFailure('/srv/drey', cause)
      assert.throws(
        () => {
          throw failure
        },
        { code: 'full', cause, message: /\/srv\/drey is full: make room/ },
      )
    }
    assert.ok(isDreyError(writeFailure('/srv/drey', new Error('EIO')), 'cannot-write'))
  })

  it('finishes what was begun before it closes, and takes nothing more', async () => {
    const [path, random] = [freshPath(), seededRandom(6)]
    const shards = Array.from({ length: 20 }, () => sampleShard(random))
    const store = await openDiskStore(path, quiet)
    const puts = Promise.all(shards.map((shard) => store.put(shard)))
    await store[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
    await puts
    await assert.rejects(store.put(sampleShard(random)), /closed/)
    await using again = await openDiskStore(path, quiet)
    assert.equal((await again.usage()).shards, 20)
  })
})

describe('a shard that rotted on disk', () => {
  type Damage = (file: string, other: string) => Promise<void>
  const flip = (from: (bytes: Buffer) => number): Damage => {
    return async (file) => {
      const bytes = await readFile(file)
      const at = from(bytes)
      await writeFile(file, bytes.with(at, bytes[at]! ^ 1))
    }
  }
  const damages: Record<string, Damage> = {
    'in its prefix': flip(() => 3),
    'in its header': flip(() => 60),
    'at the first byte of its payload': flip(({ length }) => length - 1000),
    'at its last byte': flip(({ length }) => length - 1),
    'by losing its end': (file) => truncate(file, 700),
    'by losing all but a few bytes': (file) => truncate(file, 5),
    'by becoming empty': (file) => truncate(file, 0),
    'by becoming another shard': (file, other) => copyFile(other, file),
  }

  for (const [how, damage] of Object.entries(damages)) {
    it(`is set aside, reported and absent: ${how}`, async () => {
      const [path, random, lines] = [join(root, 'rotting'), seededRandom(made++), [] as LogLine[]]
      const [shard, other] = [sampleShard(random), sampleShard(random)]
      const rotted: ShardName[] = []
      const onRot = (name: ShardName) => void rotted.push(name)
      await using store = await openDiskStore(path, { log: memoryLog(lines), onRot })
      await store.put(shard)
      await store.put(other)
      const before = await store.usage()
      await damage(pathOf(path, shard), pathOf(path, other))

      const reads = await Promise.all([1, 2, 3].map(() => store.get(nameOf(shard))))

      assert.deepEqual(reads, [undefined, undefined, undefined])
      assert.equal(await store.has(nameOf(shard)), false)
      assert.deepEqual(await store.shardsOf(shard.layout.block), [])
      assert.ok((await readdir(join(path, 'quarantine'))).includes(fileOf(shard)))
      assert.deepEqual(rotted.map(formatShardName), [fileOf(shard)])
      assert.equal(lines.length, 1)
      assert.partialDeepStrictEqual(lines[0], { level: 'warn', fields: { shard: fileOf(shard) } })
      assert.equal((await store.usage()).shards, before.shards - 1)
      // It may come back, from whoever can make it anew.
      assert.equal(await store.put(shard), true)
      assert.deepEqual(await store.get(nameOf(shard)), shard)
      assert.deepEqual(await store.get(nameOf(other)), other)
    })
  }

  it('is replaced by a put when its file is not even as long as it has to be', async () => {
    const [path, shard] = [freshPath(), sampleShard(seededRandom(8))]
    await using store = await openDiskStore(path, quiet)
    await store.put(shard)
    await truncate(pathOf(path, shard), 100)
    assert.equal(await store.put(shard), true)
    assert.deepEqual(await store.get(nameOf(shard)), shard)
  })
})

describe('the lock of a disk store', () => {
  it('keeps a second one out until the first is closed', async () => {
    const path = freshPath()
    const first = await openDiskStore(path, quiet)
    const busy = { code: 'busy', message: new RegExp(`process ${process.pid}`) }
    await assert.rejects(openDiskStore(path, quiet), busy)
    await first[Symbol.asyncDispose]()
    await using _second = await openDiskStore(path, quiet)
  })

  it('gives the store to one of many who open it at once', async () => {
    const path = freshPath()
    const results = await Promise.allSettled([1, 2, 3, 4].map(() => openDiskStore(path, quiet)))
    const opened = results.filter((result) => result.status === 'fulfilled')
    assert.equal(opened.length, 1)
    await opened[0]!.value[Symbol.asyncDispose]()
  })

  it('is taken over from a process that is gone, and from an earlier one of the same number', async () => {
    const gone = Number(execFileSync(process.execPath, ['-p', 'process.pid']))
    const link = (text: string) => (lock: string) => symlink(text, lock)
    const file = (text: string) => (lock: string) => writeFile(lock, text)
    for (const leave of [
      link(`${gone} 123 boot`),
      link(`${process.pid} 1 an-earlier-boot`),
      link('x'),
      file(`${gone} 123 boot`), // As an earlier Drey left it.
      file(''),
    ]) {
      const path = freshPath()
      await mkdir(path)
      await leave(join(path, 'lock'))
      await using _store = await openDiskStore(path, quiet)
      assert.deepEqual(
        (await readdir(path)).filter((name) => name.startsWith('lock')),
        ['lock'],
      )
    }
  })
})
