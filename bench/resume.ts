import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, readFile, readdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as rest } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '../src/base/random.ts'
import { getBack } from '../src/cli/demoSteps.ts'
import { parseSize } from '../src/cli/output.ts'
import { Town, warmUp, type Citizen } from '../src/cli/town.ts'
import { never, putKeyStream } from './blobs.ts'
import { printTable } from './table.ts'

const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
const mib = 2 ** 20
const twiceMax = 64 * mib

/**
 * A get is killed at random instants, and begun again each time: how much is fetched twice. What is fetched is what
 * the other nodes, each a process of its own, write meanwhile.
 *
 *     resume [size, default 2 GiB] [kills, default 20]
 *
 * Fails when what comes is not what was stored, or when more than 64 MiB are fetched twice.
 */
export async function run([size = '2GiB', kills = '20']: string[]): Promise<void> {
  await warmUp()
  await using town = new Town(await mkdtemp(join(tmpdir(), 'drey-bench-')), {
    without: ['lan', 'dht', 'router'],
  })
  for (const role of ['issuer', 'storage', 'storage', 'reader'] as const) await town.add(role)
  await town.gathered(never)
  const [getter, ...others] = town.citizens.toReversed() as [Citizen, ...Citizen[]]
  const putter = town.citizens[0]!
  const bytes = parseSize(size)
  const address = await putKeyStream(putter, bytes)
  const { hash } = await getBack(address, getter, { quiet: true }, never)
  const whole = await sentDuring(others, () => getBack(address, getter, { quiet: true }, never))
  const out = join(town.folder, 'out')
  const times = killTimes(bytes, Number(kills))
  let compared = 0
  const sent = await sentDuring(others, async () => {
    for (const at of times) compared += await killedAt(at)
    compared += await leftOver()
    assert.equal(await get().ended, 0, 'the last get ends well')
  })
  assert.equal(await hashOf(out), hash, 'what came is what was stored')
  const twice = sent - whole
  printTable(`A get of ${size} that is killed ${kills} times`, [
    ['', 'MiB'],
    ['sent by others in an undisturbed get', (whole / mib).toFixed(0)],
    ['in all of the broken ones', (sent / mib).toFixed(0)],
    ['fetched twice', (twice / mib).toFixed(1)],
    ['compared with its addresses', (compared / mib).toFixed(0)],
  ])
  assert.ok(twice <= twiceMax, `${(twice / mib).toFixed(1)} MiB were fetched twice, at most 64 may`)

  function get(): { child: ChildProcess; ended: Promise<number | null> } {
    const args = ['--data', getter.folder.path, 'get', address, '-o', out]
    const child = spawn(process.execPath, [main, ...args], { stdio: 'ignore' })
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    return { child, ended }
  }

  /** What an earlier get left is compared from its beginning. */
  async function leftOver(): Promise<number> {
    const names = (await readdir(town.folder)).filter((name) => name.endsWith('.part'))
    const sizes = names.map((name) => sizeOf(join(town.folder, name)))
    return (await Promise.all(sizes)).reduce((sum, each) => sum + each, 0)
  }

  /** Kills a get when so much is there; what it had compared until then. */
  async function killedAt(at: number): Promise<number> {
    const before = await leftOver()
    const { child, ended } = get()
    while (child.exitCode === null && (await leftOver()) <= Math.max(at, before)) await rest(2)
    child.kill('SIGKILL')
    assert.equal(await ended, null, 'a get was killed, and not over before')
    return before
  }
}

/** Instants in the order in which they come, as sizes: a get has the more the later it is. */
function killTimes(bytes: number, count: number): number[] {
  const random = seededRandom(3)
  return Array.from({ length: count }, () => random.fraction() * 0.98 * bytes).sort((a, b) => a - b)
}

/** Bytes that nodes write meanwhile: what they send, as long as nobody stores. */
async function sentDuring(
  nodes: readonly Citizen[],
  work: () => Promise<unknown>,
): Promise<number> {
  const written = async ({ process: node }: Citizen) =>
    Number(/^wchar: (\d+)/m.exec(await readFile(`/proc/${node.pid}/io`, 'utf8'))![1])
  const sum = async () => (await Promise.all(nodes.map(written))).reduce((a, b) => a + b)
  const before = await sum()
  await work()
  return (await sum()) - before
}

/** Zero for what has another name by now. */
async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
