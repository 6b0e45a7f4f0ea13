import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import { statusOf, type Citizen, type Town } from '../../src/cli/town.ts'
import type { RemoveReply } from '../../src/gateway/leases.ts'
import type { GarbageReport } from '../../src/mend/collect.ts'
import { drey } from './drey.ts'
import { areTidy, openTown, Promises } from './fire.ts'
import { until } from './networkTown.ts'

const { signal } = new AbortController()
const patienceMs = 60_000
const graceMs = 1_500
const random = seededRandom(83)

describe('A swarm whose owners remove what they stored', () => {
  let town: Town
  let emptyKib: number[]
  before(async () => {
    town = await openTown(4, 'lease', { graceMs, without: ['lan', 'dht', 'router'] })
    await put(town.citizens[0]!, random.bytes(3_000_000)) // Folders, and books of leases, as they are in use.
    await remove(town.citizens[0]!, [...stored.keys()][0]!)
    await isEmpty()
    for (const citizen of town.citizens) await run(citizen, ['gc'])
    emptyKib = town.citizens.map(kibOf)
  })
  after(() => town[Symbol.asyncDispose]())
  const stored = new Map<string, Uint8Array>()

  async function run(at: Citizen, args: readonly string[], input?: Uint8Array): Promise<string> {
    const { code, stdout, stderr } = await drey(['--data', at.folder.path, ...args], input)
    assert.equal(code, 0, stderr)
    return stdout.toString().trim()
  }

  async function put(at: Citizen, bytes: Uint8Array): Promise<string> {
    const address = await run(at, ['put', '-'], bytes)
    stored.set(address, bytes)
    return address
  }

  async function remove(at: Citizen, address: string): Promise<RemoveReply> {
    stored.delete(address)
    return JSON.parse(await run(at, ['--json', 'rm', address])) as RemoveReply
  }

  const shardsAt = async (at: Citizen) => (await statusOf(at, signal)).shards
  const isEmpty = () =>
    until(
      async () => (await Promise.all(town.citizens.map(shardsAt))).every((count) => count === 0),
      patienceMs,
      'no node has a shard',
    )
  const kibOf = ({ folder }: Citizen) =>
    Number(/^\d+/.exec(execFileSync('du', ['-sk', folder.path]).toString())![0])
  const promised = () => {
    const promises = new Promises()
    for (const [address, bytes] of stored) promises.add(address, bytes)
    return promises
  }

  it('keeps what two blobs share as long as one of them is wanted', async () => {
    const [one, two] = town.citizens as [Citizen, Citizen]
    const shared = random.bytes(2 * 2 ** 20)
    const longer = Buffer.concat([shared, random.bytes(1_000_000)])
    const first = await put(one, shared)
    await put(two, longer)

    const { leases, told } = await remove(one, first)
    assert.deepEqual([leases, told.length], [1, 3])

    const gone = async () => {
      const { code } = await drey(['--data', two.folder.path, 'get', first], undefined)
      return code === 3
    }
    await until(gone, patienceMs, 'the first one is gone')
    await promised().areKeptAt(town.citizens[3]!)
  })

  it('keeps what another has asked for when its owner removes it, and says who cannot remove it', async () => {
    const [one, , three] = town.citizens as [Citizen, Citizen, Citizen]
    const bytes = random.bytes(2_500_000)
    const address = await put(one, bytes)
    const refused = await drey(['--data', three.folder.path, 'rm', address], undefined)
    assert.equal(refused.code, 3)
    assert.match(
      refused.stderr,
      /this node has no lease on .*: it goes when those who have put or kept it/,
    )

    assert.equal(await run(three, ['keep', address, '--name', 'holiday']), `kept ${address}`)
    assert.match(await run(three, ['list', '--search', 'HOLI']), new RegExp(`holiday +${address}$`))
    await remove(one, address)
    stored.set(address, bytes)
    await new Promise((resolve) => setTimeout(resolve, 3 * graceMs))

    await promised().areKeptAt(town.citizens[3]!)
  })

  it('tells a member that was away, which does not bring back what is gone', async () => {
    const [one, , , four] = town.citizens as [Citizen, Citizen, Citizen, Citizen]
    const address = await put(one, random.bytes(3_000_000))
    await town.kill(four)
    await remove(one, address)
    const others = town.citizens.slice(0, 3)
    const left = async () => {
      const { removed, waiting } = JSON.parse(
        await run(one, ['--json', 'gc', '--dry-run']),
      ) as GarbageReport
      return removed.blocks + waiting.blocks === 0
    }
    await until(left, patienceMs, 'the others have removed it')
    await town.kill(one) // The owner itself is not there to be asked.
    await town.restart(four)
    const isRight = async () => {
      const { code } = await drey(['--data', four.folder.path, 'get', address], undefined)
      const report = JSON.parse(await run(four, ['--json', 'gc'])) as GarbageReport
      return code !== 0 && report.waiting.blocks === 0
    }
    await until(isRight, patienceMs, 'it has gone there too')
    await town.restart(one)
    await town.gathered(signal)
    assert.equal(others.length, 3)
    await promised().areKeptAt(four)
  })

  it('lets a put go that was killed on its way', async () => {
    const [one] = town.citizens as [Citizen]
    const before = await Promise.all(town.citizens.map(shardsAt))
    const rate = 4_000_000
    async function* slowly() {
      for (let piece = 0; piece < 20; piece++) {
        yield random.bytes(1_000_000)
        await new Promise((resolve) => setTimeout(resolve, 1e9 / rate))
      }
    }
    const request = one.door({
      ...{ method: 'PUT', path: '/blob', query: new URLSearchParams(), headers: {} },
      ...{ body: slowly(), signal },
    })
    const failed = assert.rejects(request)
    await until(
      async () => (await shardsAt(town.citizens[1]!))! > before[1]!,
      patienceMs,
      'some of it has come',
    )
    await town.kill(one)
    await failed
    await town.restart(one)
    const total = (counts: readonly (number | null)[]) =>
      counts.reduce<number>((sum, count) => sum + count!, 0)
    const isLetGo = async () => {
      const now = await Promise.all(town.citizens.map(shardsAt))
      return total(now) <= total(before)
    }
    await until(isLetGo, patienceMs, 'nothing of it is left')
    await promised().areKeptAt(one)
    await areTidy(town)
  })

  it('is as empty as it was, within a hundredth, when all is removed', async () => {
    const owners = new Map<string, Citizen>()
    for (const address of stored.keys()) {
      for (const citizen of town.citizens) {
        const { code } = await drey(['--data', citizen.folder.path, 'rm', address], undefined)
        if (code === 0) owners.set(address, citizen)
      }
    }
    assert.deepEqual([...owners.keys()], [...stored.keys()])
    await isEmpty()
    for (const citizen of town.citizens) await run(citizen, ['gc'])
    for (const [at, citizen] of town.citizens.entries()) {
      const [now, empty] = [kibOf(citizen), emptyKib[at]!]
      assert.ok(now <= empty * 1.01, `${citizen.name} has ${now} KiB, and had ${empty} when empty`)
    }
  })
})
