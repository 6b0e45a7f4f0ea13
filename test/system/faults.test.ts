import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { spreadOver } from '../../bench/mendLook.ts'
import { between, seededRandom } from '../../src/base/random.ts'
import { shardFiles } from '../../src/cli/damage.ts'
import { isRunning, type Citizen, type Town } from '../../src/cli/town.ts'
import { drey } from './drey.ts'
import { Faults, startedWith, whyNoFaults, type Fault } from './faults.ts'
import { areTidy, areWell, holdsOnlyWhole, openTown, Promises, setAside } from './fire.ts'
import { until } from './networkTown.ts'

const seed = Number(process.env.DREY_SEED ?? 41)
const random = seededRandom(seed)
const { signal } = new AbortController()
const nodes = 4 // 2 of 4.
const blobBytes = 3 * 2 ** 20
const patienceMs = 30_000
const cannotWrite = 10
const clearFailures = [4, 5, cannotWrite] // Not enough shards, not enough members.

describe(`A disk that fails (seed ${seed})`, { skip: await whyNoFaults() }, () => {
  const promises = new Promises()
  let town: Town
  let poor: Citizen
  let others: Citizen[]
  before(async () => {
    town = await openTown(nodes, 'faults')
    poor = town.citizens[1]!
    others = town.citizens.filter((citizen) => citizen !== poor)
  })
  after(() => town?.[Symbol.asyncDispose]())

  /** Puts some new bytes, which has to end well; what the command said of it. */
  async function put(at: Citizen): Promise<string> {
    const { code, stderr } = await tryPut(at)
    assert.equal(code, 0, stderr)
    return stderr
  }

  async function tryPut(at: Citizen) {
    const bytes = random.bytes(blobBytes)
    const { code, stdout, stderr } = await drey(['--data', at.folder.path, 'put', '-'], bytes)
    if (code === 0) promises.add(stdout.toString().trim(), bytes)
    return { code, stderr }
  }

  const temporaries = () =>
    Array.from({ length: 300 }, (_, at) => join(poor.folder.store, 'tmp', String(at)))
  const faults: Record<string, () => Fault> = {
    'syncs no folder': () => ({ calls: 'fsync', error: 'EIO' }),
    'renames no file': () => ({ calls: 'rename', error: 'EIO' }),
    'writes nothing': () => ({ calls: 'writev', error: 'EIO', paths: temporaries() }),
    'has no room': () => ({ calls: 'writev', error: 'ENOSPC', paths: temporaries() }),
  }
  for (const [what, fault] of Object.entries(faults)) {
    it(`that ${what} keeps its node from taking shards, and nothing else; later it takes them`, async () => {
      const before = await spreadOver(town.citizens)
      const hasNothingNew = async () => {
        return [...(await spreadOver([poor])).keys()].every((block) => before.has(block))
      }
      {
        await using faults = await Faults.inject(poor.process, fault())
        for (const citizen of [others[0]!, poor]) {
          assert.match(await put(citizen), /synced to disk on 3 of 4 members/)
        }
        assert.ok((await faults.count()) > 0, 'some calls have failed')
        await until(hasNothingNew, patienceMs, 'nothing of what was put has a name there')
        await promises.areKeptAt(poor)
      }
      await areTidy(town)
      assert.ok(isRunning(poor), 'the node has not ended')
      assert.match(await put(others[0]!), /synced to disk on 4 of 4 members/)
    })
  }

  it('that syncs no file keeps its node from taking shards, and from putting, until it is started again', async () => {
    const before = await spreadOver(town.citizens)
    {
      await using faults = await Faults.inject(poor.process, { calls: 'fdatasync', error: 'EIO' })
      assert.match(await put(others[0]!), /synced to disk on 3 of 4 members/)
      assert.ok((await faults.count()) > 0, 'some calls have failed')
    }
    assert.ok([...(await spreadOver([poor])).keys()].every((block) => before.has(block)))
    await areTidy(town)
    const { code, stderr } = await tryPut(poor) // What a sync has failed for may never be on the disk.
    assert.equal(code, cannotWrite)
    assert.match(stderr, /leases cannot be written: EIO.*; start the node again when its disk can/)
    await promises.areKeptAt(poor)

    await town.kill(poor)
    await town.restart(poor)
    await town.gathered(signal)
    assert.match(await put(poor), /synced to disk on 4 of 4 members/)
  })

  it('now and then has puts go on or fail clearly, and what was acknowledged is there after a start', async () => {
    const now = { calls: 'fdatasync,fsync,rename', error: 'EIO', when: '2+3' } as const
    for (let round = 0; round < 2; round++) {
      {
        await using _faults = await Faults.inject(poor.process, now)
        for (const citizen of [poor, others[between(random, 0, others.length)]!]) {
          const { code, stderr } = await tryPut(citizen)
          assert.ok(code === 0 || clearFailures.includes(code!), `exit code ${code}: ${stderr}`)
          await promises.areKeptAt(citizen)
        }
        if (round === 0) await town.kill(poor)
      }
      if (round === 0) {
        await holdsOnlyWhole(poor)
        await town.restart(poor)
        await town.gathered(signal)
      }
    }
    await areTidy(town)
    await promises.areKeptAt(poor)
  })

  it('keeps its node from starting, with a clear reason, after it was killed; later it starts', async () => {
    const calls = { calls: 'fsync', error: 'EIO' } as const
    await town.kill(poor)
    const failing = { ...poor, place: { ...poor.place, command: startedWith(calls) } }
    for (const _ of [1, 2]) {
      await assert.rejects(town.restart(failing), /did not start: .*EIO.*fsync/)
    }
    await town.restart(poor)
    await town.gathered(signal)
    await promises.areKeptAt(poor)
    assert.match(await put(poor), /synced to disk on 4 of 4 members/)
  })

  it('that cannot read some shards has others give them, and they are mended', async () => {
    {
      const paths = (await filesOf(poor)).slice(0, 300)
      const calls = { calls: 'pread64', error: 'EIO', paths } as const
      await using faults = await Faults.inject(poor.process, calls)
      for (const citizen of town.citizens) await promises.areKeptAt(citizen)
      assert.ok((await faults.count()) > 0, 'some calls have failed')
    }
    assert.ok((await setAside(poor)).length > 0)
    await areWell(town, '2+2')
    for (const citizen of others.slice(1)) await town.kill(citizen)
    await promises.areKeptAt(poor)
  })
})

async function filesOf({ folder }: Citizen): Promise<string[]> {
  return (await Array.fromAsync(shardFiles(folder))).map(({ path }) => path).sort()
}
