import assert from 'node:assert/strict'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { seededRandom } from '../../src/base/random.ts'
import { flipByte, shardFiles } from '../../src/cli/damage.ts'
import { statusOf, Town, warmUp, type Citizen } from '../../src/cli/town.ts'
import type { ScrubProgress, ScrubReport } from '../../src/mend/scrubState.ts'
import { drey } from './drey.ts'

const { signal } = new AbortController()
const patienceMs = 60_000
const config = {
  awayMs: 1_500,
  heartbeatMs: 500,
  without: ['lan', 'dht', 'router', 'catalog'],
} as const

before(warmUp)

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + patienceMs
  while (!(await isSo())) {
    assert.ok(Date.now() < end, `waited in vain until ${what}`)
    await systemClock.sleep(100)
  }
}

const shardsAt = async (at: Citizen) => (await statusOf(at, signal)).shards!
const run = (at: Citizen, args: readonly string[], input?: Uint8Array) =>
  drey(['--data', at.folder.path, ...args], input)

describe('Two nodes with a copy each', () => {
  let town: Town
  before(async () => {
    town = new Town(await mkdtemp(join(tmpdir(), 'drey-scrub-')), config)
    for (const _ of [1, 2]) await town.add('reader')
    await town.gathered(signal)
  })
  after(() => town[Symbol.asyncDispose]())
  const bytes = seededRandom(71).bytes(3_000_000)
  let address = ''
  let shards = 0

  it('say by --now that all is right, and that a pass is under way', async () => {
    const [one, other] = town.citizens as [Citizen, Citizen]
    address = (await run(one, ['put', '-'], bytes)).stdout.toString().trim()
    shards = await shardsAt(other)
    const { code, stdout, stderr } = await run(other, ['--json', 'scrub', '--now'])
    assert.equal(code, 0, stderr)
    const report = JSON.parse(stdout.toString()) as ScrubReport
    assert.deepEqual([report.shards, report.rotted, report.unread], [shards, 0, 0])

    const state = await run(other, ['--json', 'scrub'])
    const { pass, last } = JSON.parse(state.stdout.toString()) as ScrubProgress
    assert.deepEqual(last, report)
    assert.ok(pass.startedAt >= last.endedAt && pass.endsAt > pass.startedAt)
    assert.match((await run(other, ['status'])).stdout.toString(), /scrub +all was read by/)
  })

  it('find what has rotted at one of them, and have it again from the other', async () => {
    const [one, other] = town.citizens as [Citizen, Citizen]
    const files = await Array.fromAsync(shardFiles(other.folder))
    for (const { path } of files) await flipByte(path)

    const { code, stderr } = await run(other, ['scrub', '--now'])
    assert.equal(code, 9)
    assert.match(stderr, new RegExp(`${files.length} had rotted`))
    await until('all is mended', async () => (await shardsAt(other)) === shards)
    assert.equal((await run(other, ['scrub', '--now'])).code, 0)

    await town.kill(one)
    assert.ok((await run(other, ['get', address])).stdout.equals(bytes))
    await town.restart(one)
    await town.gathered(signal)
  })

  it('mend what another has found to be rotten', async () => {
    const [one, other] = town.citizens as [Citizen, Citizen]
    for await (const { path } of shardFiles(one.folder)) await flipByte(path)

    const { stdout } = await run(other, ['check', address, '--deep'])
    assert.match(stdout.toString(), /are not what their holders say/)
    await until('all is mended', async () => (await shardsAt(one)) === shards)
    await town.kill(other)
    assert.ok((await run(one, ['get', address])).stdout.equals(bytes))
    await town.restart(other)
    await town.gathered(signal)
  })

  it('remember over a restart how far they were, and begin anew when that is damaged', async () => {
    const [one] = town.citizens as [Citizen]
    assert.equal((await run(one, ['scrub', '--now'])).code, 0)
    const { last } = (await statusOf(one, signal)).scrub
    await town.kill(one)
    await town.restart(one)
    assert.deepEqual((await statusOf(one, signal)).scrub.last, last)

    await town.kill(one)
    await writeFile(one.folder.scrub, (await readFile(one.folder.scrub)).subarray(0, 50))
    await town.restart(one)
    assert.equal((await statusOf(one, signal)).scrub.last, undefined)
  })
})
