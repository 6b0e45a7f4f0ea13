import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { isDreyError } from '../base/error.ts'
import { silentLog } from '../base/log.ts'
import { readConfig } from './config.ts'
import { DataFolder } from './folder.ts'
import { foundSwarm, initWith } from './init.ts'
import { startNode } from './start.ts'

let home: string
let founder: DataFolder
const passphrase = 'acorns'
const options = { listen: '127.0.0.1:0', passphrase }
before(async () => {
  home = await mkdtemp(join(tmpdir(), 'drey-init-'))
  founder = new DataFolder(join(home, 'founder'))
  await foundSwarm(founder, options)
})
after(() => rm(home, { recursive: true }))

describe('A folder of a node', () => {
  it('has files that its user alone can open', async () => {
    for (const file of await readdir(founder.path)) {
      assert.equal((await stat(join(founder.path, file))).mode & 0o777, 0o600, file)
    }
    assert.equal((await stat(founder.path)).mode & 0o777, 0o700)
  })

  it('is not made where something is already', async () => {
    const folder = new DataFolder(await mkdtemp(join(home, 'full-')))
    await writeFile(join(folder.path, 'mine'), '')
    await assert.rejects(foundSwarm(folder, options), (error) => isDreyError(error, 'bad-input'))
    assert.deepEqual(await readdir(folder.path), ['mine'])
  })

  it('has the read secret for a reader, and for a storage member never', async () => {
    for (const role of ['reader', 'storage'] as const) {
      const folder = new DataFolder(join(home, role))
      await initWith(folder, founder, role, { ...options, founderPassphrase: passphrase })
      assert.equal(existsSync(folder.readKey), role === 'reader')
      assert.ok(!existsSync(folder.authorityKey))
    }
  })

  it('knows where to find the one it was made with, if that listens anywhere', async () => {
    for (const [listen, peers] of [
      ['0.0.0.0:7117', ['127.0.0.1:7117']],
      ['none', []],
    ] as const) {
      const [first, second] = ['first', 'second'].map(
        (name) => new DataFolder(join(home, listen, name)),
      )
      await foundSwarm(first!, { listen })
      await initWith(second!, first!, 'storage', { listen: 'none' })
      assert.deepEqual((await readConfig(second!)).peers, peers)
    }
  })

  it('is made with an issuer’s folder as with the founder’s, and with no other', async () => {
    const [elm, ash, fir] = ['elm', 'ash', 'fir'].map((name) => new DataFolder(join(home, name)))
    const common = { ...options, founderPassphrase: passphrase }
    assert.equal((await initWith(elm!, founder, 'issuer', common)).role, 'issuer')
    assert.ok(existsSync(elm!.issuerKey))
    assert.equal((await initWith(ash!, elm!, 'reader', common)).role, 'reader')
    await assert.rejects(initWith(fir!, ash!, 'storage', common), (error) => {
      return isDreyError(error, 'bad-input') && /founder or issuer/.test(error.message)
    })
    assert.ok(!existsSync(fir!.path))
  })

  it('opens with its passphrase alone', async () => {
    for (const wrong of [undefined, 'nuts']) {
      const starting = startNode(founder, { log: silentLog, passphrase: wrong })
      await assert.rejects(starting, (error) => isDreyError(error, 'bad-passphrase'))
    }
    await using node = await startNode(founder, { log: silentLog, passphrase })
    assert.match(node.address, /^127\.0\.0\.1:\d+$/)
  })
})
