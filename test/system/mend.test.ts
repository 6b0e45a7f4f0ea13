import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { seededRandom } from '../../src/base/random.ts'
import { isRunning, statusOf, Town, warmUp, type Citizen } from '../../src/cli/town.ts'
import type { PlanReply } from '../../src/gateway/plan.ts'
import { drey } from './drey.ts'

const { signal } = new AbortController()
const patienceMs = 60_000
/** Whoever is gone for a second is away; machines of this size are rarely slower. */
const config = {
  awayMs: 1_500,
  heartbeatMs: 500,
  without: ['lan', 'dht', 'router', 'catalog'],
} as const

before(warmUp)

async function openTown(): Promise<Town> {
  return new Town(await mkdtemp(join(tmpdir(), 'drey-mend-')), config)
}

async function run(at: Citizen, args: readonly string[], input?: Uint8Array): Promise<Buffer> {
  const { code, stdout, stderr } = await drey(['--data', at.folder.path, ...args], input)
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`)
  return stdout
}

/** Waits until all nodes have looked through what they hold, and nothing is below this code. */
async function reach(town: Town, code: string): Promise<void> {
  const until = Date.now() + patienceMs
  for (;;) {
    const running = town.citizens.filter(isRunning)
    const all = await Promise.all(running.map((citizen) => statusOf(citizen, signal)))
    const isWell = all.every(({ mend, members }) => {
      const { passedAt, census, waiting, pass } = mend!
      const isQuiet = passedAt !== undefined && pass === undefined && waiting === 0
      const isWhole = census.below + census.lost === 0 && mend!.code === code
      return isQuiet && isWhole && members.length === running.length - 1
    })
    const blocks = all.reduce((sum, { mend }) => sum + mend!.census.blocks, 0)
    if (isWell && blocks > 0) return
    const seen = JSON.stringify(all.map(({ name, mend }) => ({ name, ...mend })))
    assert.ok(Date.now() < until, `all is coded ${code}: ${seen}`)
    await systemClock.sleep(100)
  }
}

describe('A swarm of real nodes', () => {
  let town: Town
  before(async () => (town = await openTown()))
  after(() => town[Symbol.asyncDispose]())
  const bytes = seededRandom(61).bytes(5_000_000)
  let address = ''

  const isStillThere = async (at: Citizen) => {
    assert.ok((await run(at, ['get', address])).equals(bytes))
    const { stdout, stderr, code } = await drey(['--data', at.folder.path, 'check', address])
    assert.equal(code, 0, `${stdout.toString()}${stderr}`)
  }

  it('survives more losses as it grows, with no command and under the same address', async () => {
    const first = await town.add('issuer')
    address = (await run(first, ['put', '-'], bytes)).toString().trim()
    for (const [members, code] of [
      [2, '1+1'],
      [3, '2+1'],
      [6, '4+2'],
    ] as const) {
      while (town.citizens.length < members) await town.add('reader')
      await reach(town, code)
    }

    await isStillThere(town.citizens[5]!)
  })

  it('mends what was on machines that were lost, and did so when two more are lost', async () => {
    for (const lost of [1, 2]) {
      await town.kill(town.citizens[lost]!)
      await rm(town.citizens[lost]!.folder.path, { recursive: true })
    }
    await town.add('reader')
    await town.add('reader')
    await reach(town, '4+2')
    for (const lost of [3, 4]) await town.kill(town.citizens[lost]!)

    assert.ok((await run(town.citizens[7]!, ['get', address])).equals(bytes))
    for (const back of [3, 4]) await town.restart(town.citizens[back]!)
    await reach(town, '4+2')
  })

  it('is coded for fewer as members leave, and everything is still there', async () => {
    for (const index of [7, 6, 5]) {
      const leaving = town.citizens[index]!
      const plan = (await run(leaving, ['--json', 'leave', '--dry-run'])).toString()
      const { movedBytes, meanwhile } = JSON.parse(plan) as PlanReply
      assert.ok(movedBytes > 0 && meanwhile! >= 1, plan)
      await run(leaving, ['leave'])
      while (isRunning(leaving)) await systemClock.sleep(50)
    }
    await reach(town, '2+1')

    await isStillThere(town.citizens[4]!)
  })
})
