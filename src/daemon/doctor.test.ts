import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { ask, readReply } from '../gateway/ask.ts'
import type { Diagnosis, DoctorReply } from '../gateway/doctor.ts'
import { readConfig, writeConfig } from './config.ts'
import { examineFolder } from './doctorFolder.ts'
import { DataFolder } from './folder.ts'
import { foundSwarm } from './init.ts'
import { startNode } from './start.ts'

const dayMs = 24 * 3_600_000
const { signal } = new AbortController()
let folder: DataFolder
before(async () => {
  folder = new DataFolder(join(await mkdtemp(join(tmpdir(), 'drey-doctor-')), 'node'))
  await foundSwarm(folder, { listen: '127.0.0.1:0' })
})
after(() => rm(join(folder.path, '..'), { recursive: true }))

/** What is found of one thing, some days from now. */
async function found(what: string, inDays = 0): Promise<Diagnosis> {
  const clock = { ...systemClock, now: () => Date.now() + inDays * dayMs }
  const diagnoses = await examineFolder(folder, clock)
  return diagnoses.find((each) => each.what === what)!
}

describe('The doctor, who looks at a data folder', () => {
  it('finds nothing wrong with a new one', async () => {
    const diagnoses = await examineFolder(folder, systemClock)
    const looked = diagnoses.filter(({ what }) => what !== 'free space') // That is the machine's.
    assert.deepEqual(
      looked.map(({ what, state }) => [what, state]),
      [
        ['config', 'ok'],
        ['data folder', 'ok'],
        ['certificate', 'ok'],
        ['disk', 'ok'],
      ],
    )
    assert.ok(!(await readdir(folder.path)).some((name) => name.includes('doctor')))
  })

  it('finds keys that others can read, and whether they can get there', async () => {
    await chmod(folder.identityKey, 0o644)
    assert.equal((await found('data folder')).state, 'warn')
    await chmod(folder.path, 0o755)
    const { state, seen, todo } = await found('data folder')
    assert.equal(state, 'bad')
    assert.match(seen, /may read its keys: identity\.key/)
    assert.match(todo!, /chmod 700/)
    await chmod(folder.identityKey, 0o600)
    assert.equal((await found('data folder')).state, 'warn')
    await chmod(folder.path, 0o777)
    assert.equal((await found('data folder')).state, 'bad')
    await chmod(folder.path, 0o700)
  })

  it('finds a certificate that should have been renewed, and one that has ended', async () => {
    assert.equal((await found('certificate', 200)).state, 'ok')
    assert.equal((await found('certificate', 300)).state, 'warn')
    const { state, code, seen } = await found('certificate', 400)
    assert.deepEqual([state, code], ['bad', 'not-a-member'])
    assert.match(seen, /expired/)
  })

  it('finds a disk that takes nothing', async () => {
    await writeFile(folder.store, 'no folder')
    assert.deepEqual(
      [(await found('disk')).state, (await found('disk')).code],
      ['bad', 'cannot-write'],
    )
    await rm(folder.store)
  })

  it('finds that shards may have no more of the disk', async () => {
    const config = await readConfig(folder)
    await writeConfig(folder, { ...config, freeFloor: 2 ** 50 })
    assert.equal((await found('free space')).code, 'full')
    await writeConfig(folder, { ...config, freeFloor: 2 ** 50, capacity: 0 })
    assert.notEqual((await found('free space')).state, 'bad')
    await writeConfig(folder, config)
  })

  it('finds what is wrong with a config, and goes on with the rest', async () => {
    await writeFile(folder.config, '{"version": 1, "name": ""}')
    assert.match((await found('config')).seen, /"name" is missing/)
    assert.equal((await found('certificate')).state, 'ok')
    await rm(folder.config)
    assert.equal((await found('config')).code, 'bad-input')
  })
})

describe('The doctor, who looks at a node', () => {
  it('finds rotten files, leases that end soon, and damaged ones', async () => {
    const own = new DataFolder(join(folder.path, '..', 'second'))
    await foundSwarm(own, { listen: '127.0.0.1:0' })
    await using node = await startNode(own, { log: silentLog, without: ['lan', 'router'] })
    const look = async (what: string) => {
      const reply = await ask(node.door, 'GET', '/doctor', { signal })
      return (await readReply<DoctorReply>(reply)).diagnoses.find((each) => each.what === what)!
    }
    assert.equal((await look('shards')).state, 'ok')
    assert.equal((await look('leases')).state, 'ok')
    const query = new URLSearchParams({ lease: String(2 * dayMs) })
    await ask(node.door, 'PUT', '/blob', { query, body: once(Buffer.from('acorns')), signal })
    assert.match((await look('leases')).seen, /1 blob is kept from here; 1 of them for less than 7/)
    await writeFile(join(own.store, 'quarantine', 'a shard'), '')
    assert.match((await look('shards')).seen, /1 files that had rotted/)
    await writeFile(`${own.leases}.damaged-1`, '')
    assert.match((await look('leases')).seen, /leases\.db\.damaged-1/)
    assert.match((await look('members')).seen, /the only one/)
    assert.match((await look('DHT')).seen, /0 nodes are known/)
    assert.match((await look('router')).seen, /^not used/)
  })
})

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
