import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as rest } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import { look, spreadOver } from '../../bench/mendLook.ts'
import { between, seededRandom } from '../../src/base/random.ts'
import { shardFiles } from '../../src/cli/damage.ts'
import { isRunning, statusOf, type Citizen, type Town } from '../../src/cli/town.ts'
import { harms } from '../../src/store/harm.ts'
import { drey } from './drey.ts'
import { areTidy, missedMs, openTown, Promises, setAside } from './fire.ts'
import { until } from './networkTown.ts'

const seed = Number(process.env.DREY_SEED ?? 37)
const random = seededRandom(seed)
const { signal } = new AbortController()
const patienceMs = 60_000
const nodes = 4 // 2 of 4: what two of them have may be anything.
const blobs = [5_000_000, 3_000_000, 70_000, 1_000]

/** What was done to the files of one node, and to which. */
interface Harmed {
  readonly citizen: Citizen
  /** Those that are there, and not what they were. */
  readonly wrong: ReadonlySet<string>
}

describe(`Files that are damaged behind a node's back while it runs (seed ${seed})`, () => {
  const promises = new Promises()
  let town: Town
  let healthy: Citizen[]
  let poor: Citizen[]
  let spread: Map<string, number>
  before(async () => {
    town = await openTown(nodes, 'damage')
    healthy = town.citizens.slice(0, 2)
    poor = town.citizens.slice(2)
    for (const size of blobs) await put(size)
    spread = await spreadOver(town.citizens)
  })
  after(() => town?.[Symbol.asyncDispose]())

  /** Every block is on as many nodes as before, and every node has looked since and is content. */
  const isMended = async (since: number) => {
    const now = await spreadOver(town.citizens)
    const isSpread = [...spread].every(([block, members]) => now.get(block)! >= members)
    return isSpread && (await look(town.citizens, since)).isWhole
  }

  it('are never served: reads are right wherever they are made, and name whose files they are', async () => {
    const ids = await Promise.all(poor.map(async (one) => (await statusOf(one, signal)).id))
    const harming = Array.fromAsync(poor, harm) // While everything is read.
    const met = []
    for (const citizen of town.citizens) met.push(...(await promises.areKeptAt(citizen)))
    const harmed = await harming
    for (const citizen of town.citizens) met.push(...(await promises.areKeptAt(citizen)))

    assert.ok(met.length > 0, 'some reads met them')
    for (const { member } of met) assert.ok(ids.includes(member), `${member} was named`)
    for (const { citizen, wrong } of harmed) {
      const { code, stderr } = await drey(['--data', citizen.folder.path, 'scrub', '--now'])
      assert.ok(code === 0 || code === 9, stderr)
      assert.deepEqual(new Set(await setAside(citizen)), wrong)
    }
  })

  it('are mended, and what was deleted as well once the nodes have looked', async () => {
    const since = await startAgain(poor.slice(0, 1))
    await until(() => isMended(since), patienceMs, 'everything is mended')

    await areTidy(town)
    for (const citizen of healthy) await town.kill(citizen)
    for (const citizen of poor) await promises.areKeptAt(citizen)
    for (const citizen of healthy) await town.restart(citizen)
    await town.gathered(signal)
  })

  it('may be whole folders: others take what is put, until the node is started again and all is mended', async () => {
    for (const { folder } of poor) {
      for (const name of ['tmp', 'quarantine', 'shards']) {
        await rm(join(folder.store, name), { recursive: true })
      }
    }
    assert.match(await put(3_000_000), /2 of 4 members \(2\+2\), survives the loss of any one/)
    for (const citizen of town.citizens) await promises.areKeptAt(citizen)
    assert.ok(town.citizens.every(isRunning), 'no node has ended')

    const since = await startAgain(poor)
    await until(() => isMended(since), patienceMs, 'everything is mended')
    assert.match(await put(3_000_000), /4 of 4 members/)
  })

  /** Puts some new bytes at a node that nothing is done to; what the command said of it. */
  async function put(size: number): Promise<string> {
    const bytes = random.bytes(size)
    const { code, stdout, stderr } = await drey(
      ['--data', healthy[0]!.folder.path, 'put', '-'],
      bytes,
    )
    assert.equal(code, 0, stderr)
    promises.add(stdout.toString().trim(), bytes)
    return stderr
  }

  /** Kills some, and starts them when they have been missed: then everyone looks at what there is. When that was. */
  async function startAgain(citizens: readonly Citizen[]): Promise<number> {
    for (const citizen of citizens) await town.kill(citizen)
    await rest(missedMs)
    for (const citizen of citizens) await town.restart(citizen)
    await town.gathered(signal)
    return Date.now()
  }
})

/** Does something to about half of a node's files, each kind of harm in turn. */
async function harm(citizen: Citizen): Promise<Harmed> {
  const files = (await Array.fromAsync(shardFiles(citizen.folder))).map(({ path }) => path)
  const whole = files.toSorted(() => random.fraction() - 0.5)
  const wrong = new Set<string>()
  const kinds = Object.entries(harms)
  for (let left = files.length / 2; left > 0; left--) {
    const [what, harm] = kinds[between(random, 0, kinds.length)]!
    const hit = await harm(whole.pop()!, whole.at(-1)!, random)
    if (hit.length > 1) whole.pop()
    if (what !== 'deleted') for (const path of hit) wrong.add(basename(path))
  }
  return { citizen, wrong }
}
