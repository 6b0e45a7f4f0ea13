import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { cp, open, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { silentLog, type Log } from '../base/log.ts'
import { between, seededRandom } from '../base/random.ts'
import { block, claim, elm, HandClock, oak } from './fixture.ts'
import { newLease } from './lease.ts'
import { openLeases, type Leases, type LeasesOptions } from './leases.ts'

const folder = mkdtempSync(join(tmpdir(), 'drey-leases-'))
after(() => rm(folder, { recursive: true }))
let paths = 0
const freshPath = () => join(folder, `${paths++}.db`)

function opened(path: string, options: Partial<LeasesOptions> = {}): Promise<Leases> {
  const given = { owner: 'ann', clock: new HandClock(), log: silentLog }
  return openLeases(path, { ...given, hasShards: async () => false, ...options })
}

describe('Leases on a disk', () => {
  it('are there again when the node is, and so is that they have ended', async () => {
    const path = freshPath()
    const [kept, ended] = [newLease({ owner: 'ann', made: 1 }), newLease({ owner: 'bob', made: 2 })]
    {
      await using leases = await opened(path)
      await claim(leases, oak, kept.lease, ended.lease)
      await leases.book.end([ended.secret])
    }
    await using leases = await opened(path)
    assert.deepEqual(leases.book.of(oak), [kept.lease])
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.equal((await stat(`${path}-wal`)).mode & 0o777, 0o600)
    assert.deepEqual((await readdir(folder)).filter((name) => name.startsWith('0.db')).sort(), [
      '0.db',
      '0.db-wal',
    ])
  })

  it('are whole at any instant at which the process is killed, however many writes there are', async () => {
    const path = freshPath()
    await using leases = await opened(path)
    const { lease } = newLease({ owner: 'ann', made: 1 })
    for (let round = 0; round < 12; round++) {
      const several = Array.from({ length: 1_500 }, (_, at) => block(`${round} ${at}`))
      await Promise.all(several.map((each) => claim(leases, each, lease)))
      const copy = `${path}-${round}.db`
      await cp(path, copy)
      await cp(`${path}-wal`, `${copy}-wal`)
      await using found = await opened(copy)
      for (const each of several) assert.equal(found.book.wants(each), 'wanted')
      assert.equal(found.book.bytesOf('ann'), 10 * 1_500 * (round + 1))
    }
  })

  it('lose only what had not been acknowledged when the log is cut off anywhere', async () => {
    const path = freshPath()
    const random = seededRandom(8)
    const { lease } = newLease({ owner: 'ann', made: 1 })
    await using leases = await opened(path)
    await claim(leases, oak, lease)
    const before = readFileSync(`${path}-wal`)
    await claim(leases, elm, lease)
    const log = readFileSync(`${path}-wal`)
    const differ = (_: unknown, at: number) => before[at] !== log[at]
    const [from, to] = [log.findIndex(differ), log.findLastIndex(differ)]
    for (let times = 0; times < 20; times++) {
      const copy = freshPath()
      await cp(path, copy)
      writeFileSync(`${copy}-wal`, log.subarray(0, between(random, from, to)))
      await using found = await opened(copy)
      assert.deepEqual([found.book.wants(oak), found.book.wants(elm)], ['wanted', 'unknown'])
    }
  })

  it('that are new beside a store with shards adopt what is in it', async () => {
    await using leases = await opened(freshPath(), { hasShards: async () => true })
    assert.equal(leases.book.wants(oak), 'wanted')
    const { lease, secret } = newLease({ owner: 'ann', made: 1 })
    await claim(leases, oak, lease)
    await leases.book.end([secret])
    assert.deepEqual([leases.book.wants(oak), leases.book.wants(elm)], ['unwanted', 'wanted'])

    await leases.sweep.abandonAdopted()
    assert.equal(leases.book.wants(elm), 'unknown')
  })

  it('that are new keep what is in the store, though somebody asks with a lease that has ended', async () => {
    await using leases = await opened(freshPath(), { hasShards: async () => true })
    const { lease, secret } = newLease({ owner: 'ann', made: 1 })
    await leases.book.end([secret])
    using _asked = await leases.book.claim(oak, [lease])
    await claim(leases, elm, lease)
    assert.deepEqual([leases.book.wants(oak), leases.book.wants(elm)], ['wanted', 'unwanted'])
  })

  it('that are damaged are set aside, and everything is kept', async () => {
    const path = freshPath()
    await using stack = new AsyncDisposableStack()
    await (await opened(path))[Symbol.asyncDispose]()
    await using file = await open(path, 'r+')
    await file.write(Buffer.alloc(100, 7), 0, 100, 0)
    const lines: string[] = []
    const log: Log = { ...silentLog, error: (line) => void lines.push(line) }

    const leases = stack.use(await opened(path, { log, hasShards: async () => true }))

    assert.match(lines.join(), /damaged: they were set aside, and all that is here is kept/)
    assert.equal(leases.book.wants(oak), 'wanted')
    assert.ok((await readdir(folder)).some((name) => name.includes('.db.damaged-')))
  })

  it('end those of a put that was under way when the node was killed', async () => {
    const path = freshPath()
    const names = ['killed', 'finished'] as const
    const begun = new Map<string, Awaited<ReturnType<Leases['own']['begin']>>>()
    {
      await using leases = await opened(path)
      for (const name of names) begun.set(name, await leases.own.begin())
      for (const { lease } of begun.values()) await claim(leases, block(lease.id), lease)
      await leases.own.finish(begun.get('finished')!.lease, 'root', 7)
    }
    await using leases = await opened(path)
    const wants = names.map((name) => leases.book.wants(block(begun.get(name)!.lease.id)))
    assert.deepEqual(wants, ['unwanted', 'wanted'])
    assert.deepEqual(
      leases.own.of('root').map(({ id }) => id),
      [begun.get('finished')!.lease.id],
    )
    await leases.book.end(leases.own.of('root').map(({ secret }) => secret))
    assert.deepEqual(leases.own.of('root'), [])
  })
})
