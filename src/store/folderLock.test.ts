import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { silentLog } from '../base/log.ts'
import { openDiskStore } from './disk.ts'
import { lockFolder } from './folderLock.ts'

let path: string
before(async () => (path = await mkdtemp(join(tmpdir(), 'drey-lock-'))))
after(() => rm(path, { recursive: true }))

it('A store whose process was killed is taken over by every start, until one has synced all it has', async () => {
  await (await openDiskStore(path, { log: silentLog }))[Symbol.asyncDispose]()
  await symlink('999999999 - -', join(path, 'lock')) // Of a process that is gone.
  const [subfolder, aside] = [join(path, 'shards', '77'), join(path, 'shards', 'aside')]
  await rename(subfolder, aside)
  await symlink(join(path, 'nowhere'), subfolder)

  for (const _ of [1, 2]) {
    await assert.rejects(openDiskStore(path, { log: silentLog }), { code: 'ENOENT' })
    await using lock = await lockFolder(path)
    assert.ok(lock.takenOver)
  }
  await rm(subfolder)
  await rename(aside, subfolder)
  await (await openDiskStore(path, { log: silentLog }))[Symbol.asyncDispose]()

  await using lock = await lockFolder(path)
  assert.ok(!lock.takenOver)
})
