import assert from 'node:assert/strict'
import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as rest } from 'node:timers/promises'
import { silentLog } from '../../src/base/log.ts'
import { between, seededRandom } from '../../src/base/random.ts'
import { Town, warmUp, type Citizen } from '../../src/cli/town.ts'
import { openDiskStore } from '../../src/store/disk.ts'
import { drey } from './drey.ts'

const seed = Number(process.env.DREY_SEED ?? 23)
const kills = Number(process.env.DREY_KILLS ?? 8)
const clearFailures = [5, 8] // Not enough members; unreachable.

const { signal } = new AbortController()
const random = seededRandom(seed)

let town: Town
before(async () => {
  await warmUp()
  town = new Town(await mkdtemp(join(tmpdir(), 'drey-put-crash-')))
  for (let at = 0; at < 4; at++) await town.add(at % 3 === 0 ? 'reader' : 'storage')
  await town.gathered(signal)
})
after(() => town[Symbol.asyncDispose]())

/** What is on the disk of a node that does not run is whole: no half shard, none set aside. */
async function holdsOnlyWhole({ folder }: Citizen): Promise<void> {
  await using store = await openDiskStore(folder.store, { log: silentLog })
  for (const name of await Array.fromAsync(store.list())) {
    assert.ok((await store.get(name)) !== undefined, `${name.block} is not whole`)
  }
  assert.deepEqual(await readdir(join(folder.store, 'quarantine')), [])
}

/** Kills a node at some instant of a put at the first node; what was acknowledged comes back elsewhere. */
async function killDuringPut(victim: Citizen): Promise<void> {
  const [putter, getter] = [town.citizens[0]!, town.citizens[3]!]
  const bytes = random.bytes(3 * 2 ** 20 + 1)
  const putting = drey(['--data', putter.folder.path, 'put', '-'], bytes)
  await rest(between(random, 0, 600)) // From the command's start to after its end.
  await town.kill(victim)
  const { code, stdout, stderr } = await putting
  await holdsOnlyWhole(victim)
  await town.restart(victim)
  await town.gathered(signal)
  if (code !== 0) {
    assert.ok(clearFailures.includes(code!), `exit code ${code}: ${stderr}`)
    assert.match(stderr, /drey: \w+/)
    return
  }
  const got = await drey(['--data', getter.folder.path, 'get', stdout.toString().trim()])
  assert.equal(got.code, 0, got.stderr)
  assert.ok(got.stdout.equals(bytes), 'it came back byte for byte')
}

describe(`When a node is killed during a put (seed ${seed})`, () => {
  it(`its disk has only whole shards, and what was acknowledged comes back (${kills} kills)`, async () => {
    for (let kill = 0; kill < kills; kill++) {
      await killDuringPut(town.citizens[between(random, 1, 3)]!)
    }
  })

  it('that takes the put itself, the command says so, and every disk stays whole', async () => {
    for (let kill = 0; kill < Math.ceil(kills / 4); kill++) await killDuringPut(town.citizens[0]!)
  })
})
