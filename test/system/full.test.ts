import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import { shardFiles } from '../../src/cli/damage.ts'
import { isRunning, Town, warmUp, type Citizen } from '../../src/cli/town.ts'
import { drey } from './drey.ts'
import { areTidy, areWell, hasty, holdsOnlyWhole, Promises } from './fire.ts'
import { SmallDisk, whyNoDisk } from './smallDisk.ts'

const seed = Number(process.env.DREY_SEED ?? 31)
const random = seededRandom(seed)
const { signal } = new AbortController()
const diskBytes = 12 * 2 ** 20
const blobBytes = 3 * 2 ** 20
const config = { ...hasty, capacity: 2 ** 30, freeFloor: 0 } // It would take more than there is.

describe(`A disk that fills (seed ${seed})`, { skip: await whyNoDisk() }, () => {
  const promises = new Promises()
  let town: Town
  let disk: SmallDisk
  let small: Citizen
  before(async () => {
    await warmUp()
    town = new Town(await mkdtemp(join(tmpdir(), 'drey-full-')), config)
    await town.add('issuer')
    disk = await SmallDisk.mount(join(town.folder, 'node-2'), diskBytes)
    for (let at = 0; at < 3; at++) await town.add('reader')
    small = town.citizens[1]!
    await town.gathered(signal)
  })
  after(async () => {
    await disk?.[Symbol.asyncDispose]()
    await town[Symbol.asyncDispose]()
  })

  /** Puts some new bytes; what the command said of it. */
  async function put(at: Citizen): Promise<string> {
    const bytes = random.bytes(blobBytes)
    const { code, stdout, stderr } = await drey(['--data', at.folder.path, 'put', '-'], bytes)
    assert.equal(code, 0, stderr)
    promises.add(stdout.toString().trim(), bytes)
    return stderr
  }

  it('has its shards go to others, and every put say so', async () => {
    let said = ''
    for (let puts = 0; !/3 of 4/.test(said) && puts < 12; puts++)
      said = await put(town.citizens[0]!)
    assert.match(said, /synced to disk on 3 of 4 members \(2\+2\), survives the loss of any one/)
    assert.match(await put(small), /3 of 4/)

    assert.ok((await disk.freeBytes()) < blobBytes, 'what there was is used')
    await promises.areKeptAt(small)
  })

  it('keeps nobody from reading there, even when nothing at all is left of it', async () => {
    await disk.fill()
    await put(small)

    await promises.areKeptAt(small)
    assert.ok(town.citizens.every(isRunning), 'no node has ended')
    await areTidy(town)
  })

  it('lets its node be killed and start again, and stop and start again', async () => {
    await town.kill(small)
    await town.restart(small)
    await town.gathered(signal)
    await promises.areKeptAt(small)
    const gone = once(small.process, 'exit')
    small.process.kill('SIGTERM')
    assert.deepEqual(await gone, [0, null])
    await town.restart(small)
    await town.gathered(signal)
    await promises.areKeptAt(small)
  })

  it('takes shards again when there is room, and then everything is as well off as all else', async () => {
    const before = (await Array.fromAsync(shardFiles(small.folder))).length
    await disk.makeRoom(4 * diskBytes)
    await put(town.citizens[0]!)
    const after = (await Array.fromAsync(shardFiles(small.folder))).length
    assert.ok(after > before, `it had ${before} shards, and has ${after}`)
    await areWell(town, '2+2')
    await town.kill(small)
    await holdsOnlyWhole(small)
  })

  it('has a put fail with what to do about it when there is no other', async () => {
    await using alone = new Town(await mkdtemp(join(tmpdir(), 'drey-full-')), config)
    await using _disk = await SmallDisk.mount(join(alone.folder, 'node-1'), diskBytes)
    const node = await alone.add('issuer')
    const bytes = random.bytes(2 * diskBytes)
    const { code, stderr } = await drey(['--data', node.folder.path, 'put', '-'], bytes)
    assert.equal(code, 6, stderr)
    assert.match(stderr, /the disk is nearly full: .*make room there/)
    assert.ok(isRunning(node), 'the node has not ended')
    await areTidy(alone)
  })
})
