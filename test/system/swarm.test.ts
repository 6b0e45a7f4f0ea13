import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parseAddress } from '../../src/address/address.ts'
import { seededRandom } from '../../src/base/random.ts'
import { Town, statusOf, warmUp, type Citizen } from '../../src/cli/town.ts'
import { placementOrder } from '../../src/node/placement.ts'
import { drey } from './drey.ts'

const segment = 1 << 20
const random = seededRandom(17)
const { signal } = new AbortController()

let town: Town
let putter: Citizen
let getter: Citizen
before(async () => {
  await warmUp()
  town = new Town(await mkdtemp(join(tmpdir(), 'drey-swarm-')))
  for (let at = 0; at < 6; at++) await town.add(at === 0 || at === 5 ? 'reader' : 'storage')
  await town.gathered(signal)
  ;[putter, getter] = [town.citizens[0]!, town.citizens[5]!]
})
after(() => town[Symbol.asyncDispose]())

/** Puts what stdin gives, of a length that nobody announced; returns what is printed. */
async function put(bytes: Uint8Array, ...options: string[]): Promise<string> {
  const { code, stdout, stderr } = await drey(
    ['--data', putter.folder.path, 'put', ...options, '-'],
    bytes,
  )
  assert.equal(code, 0, stderr)
  return stdout.toString().trim()
}

const get = (at: Citizen, name: string, ...options: string[]) =>
  drey(['--data', at.folder.path, 'get', name, ...options])

/** Three of these four, so that a copy of the root stays: what is missing then are shards of segments. */
async function allButOneHolderOf(root: string, citizens: Citizen[]): Promise<Citizen[]> {
  const { members } = await statusOf(putter, signal)
  const order = placementOrder(parseAddress(root), members)
  const first = order.find(({ address }) => citizens.some((one) => one.address === address))
  return citizens.filter(({ address }) => address !== first!.address)
}

async function comesBack(at: Citizen, name: string, bytes: Uint8Array): Promise<void> {
  const { code, stdout, stderr } = await get(at, name)
  assert.equal(code, 0, stderr)
  assert.ok(stdout.equals(bytes), 'it came back byte for byte')
}

describe('A swarm of six node processes', () => {
  for (const size of [0, 1, segment - 1, segment, segment + 1]) {
    it(`gives ${size} bytes of stdin back at another node, by address alone`, async () => {
      const bytes = random.bytes(size)
      await comesBack(getter, await put(bytes), bytes)
    })
  }

  it('gives back any range, over the border of a segment too', async () => {
    const bytes = random.bytes(2 * segment + 10)
    const address = await put(bytes)
    for (const [range, start, end] of [
      [`${segment - 5}-${segment + 4}`, segment - 5, segment + 5],
      [`${2 * segment}-`, 2 * segment, bytes.length],
      ['-3', bytes.length - 3, bytes.length],
    ] as const) {
      const { code, stdout, stderr } = await get(getter, address, '--range', range)
      assert.equal(code, 0, stderr)
      assert.ok(stdout.equals(bytes.subarray(start, end)), range)
    }
  })

  it('lets a storage member read with the link, and not by the address', async () => {
    const bytes = random.bytes(100_000)
    const [storage, link] = [town.citizens[1]!, await put(bytes, '--link')]
    const address = /^drey:(.*)#/.exec(link)![1]!
    const refused = await get(storage, address)
    assert.equal(refused.code, 7, refused.stderr)
    assert.equal(refused.stdout.length, 0)
    await comesBack(storage, link, bytes)
  })

  it('has nodes that close on SIGTERM with exit code 0, and start again', async () => {
    const citizen = town.citizens[2]!
    const gone = once(citizen.process, 'exit')
    citizen.process.kill('SIGTERM')
    assert.deepEqual(await gone, [0, null])
    await town.restart(citizen)
    await town.gathered(signal)
  })

  it('gives a blob back after any two nodes were killed', async () => {
    const bytes = random.bytes(4 * segment)
    const address = await put(bytes)
    for (const pair of [
      [0, 1],
      [2, 4],
      [3, 5],
    ]) {
      const killed = pair.map((at) => town.citizens[at]!)
      for (const citizen of killed) await town.kill(citizen)
      await comesBack(killed.includes(getter) ? putter : getter, address, bytes)
      for (const citizen of killed) await town.restart(citizen)
      await town.gathered(signal)
    }
  })

  it('says with three killed what is missing, and gives it back when they are there again', async () => {
    const bytes = random.bytes(4 * segment)
    const address = await put(bytes)
    const killed = await allButOneHolderOf(address, town.citizens.slice(1, 5))
    for (const citizen of killed) await town.kill(citizen)
    const { code, stderr } = await get(getter, address)
    assert.equal(code, 4, stderr)
    assert.match(stderr, /4 shards are needed, 3 were found/)
    for (const citizen of killed) await town.restart(citizen)
    await town.gathered(signal)
    await comesBack(getter, address, bytes)
  })
})
