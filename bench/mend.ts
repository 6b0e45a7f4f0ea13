import assert from 'node:assert/strict'
import { createHash, type Hash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as rest } from 'node:timers/promises'
import type { Bytes } from '../src/base/bytes.ts'
import { mapAhead } from '../src/base/flow.ts'
import { between, seededRandom, type Random } from '../src/base/random.ts'
import { getBack } from '../src/cli/demoSteps.ts'
import { parseSize } from '../src/cli/output.ts'
import { Progress } from '../src/cli/progress.ts'
import { storeBlob } from '../src/cli/put.ts'
import { isRunning, Town, warmUp, type Citizen } from '../src/cli/town.ts'
import { keyStream, never } from './blobs.ts'
import { look, spreadOver, type Look } from './mendLook.ts'
import { printTable } from './table.ts'

const nodes = 10
const killedAtOnce = 2
const [k, n] = [4, 6]
const config = {
  code: `${k}+${n - k}`,
  ...{ heartbeatMs: 2_000, awayMs: 10_000 }, // Two cores are busy with ten nodes: some are late.
  ...{ capacity: 2 ** 40, freeFloor: 2 ** 30 },
  without: ['lan', 'dht', 'router'],
} as const
const rounds = [
  { title: '10 to 8', joining: 0 },
  { title: '8 to 6', joining: 0 },
  { title: '6 to 4, and 2 new', joining: 2 },
]
const atOnce = 4
const readMs = 20_000
const glanceMs = 500
const quiet = { quiet: true }
const movedMax = 1.2 // k shards are fetched or sent for each that is made anew; the rest is handing over.
const readingMin = 0.6

interface Blob {
  readonly address: string
  readonly hash: string
}

/**
 * Two of ten real nodes are killed and their folders deleted, three times: how long the others take to mend
 * what was lost, and at what cost. Everything is read back at the end, and compared.
 *
 *     mend [size, default 1 GiB] [blobs, default 1000]
 *
 * Fails when more than 1.2 × k bytes are moved for each byte lost, or when reads keep less than 0.6 of their rate.
 */
export async function run([size = '1GiB', count = '1000']: string[]): Promise<void> {
  await warmUp()
  const random = seededRandom(5)
  await using town = new Town(await mkdtemp(join(tmpdir(), 'drey-bench-')), config)
  for (let at = 0; at < nodes; at++) await town.add(at === 0 ? 'issuer' : 'reader')
  await town.gathered(never)
  const blobs = await putAll(town, parseSize(size), Number(count))
  await untilWhole(town, 0)
  const spread = await spreadOver(town.citizens)

  const head = ['', 'GiB lost', 'seconds', 'GiB moved', 'moved / (lost × k)', 'CPU s']
  const rows = [[...head, 'CPU s / GiB moved', 'reads before, MiB/s', 'meanwhile', 'ratio']]
  for (const { title, joining } of rounds) {
    rows.push([title, ...(await loseAndMend(town, blobs, joining, random))])
    await areSpread(town, spread)
  }
  const seconds = await timed(() => readAll(town, blobs))
  const peak = Math.max(...town.citizens.map((citizen) => citizen.peak.privateBytes)) / 1e6
  printTable(`Mending ${size} in ${count} blobs, 4 of 6, two of the nodes lost at a time`, rows, [
    `all ${count} blobs came back byte for byte, ${seconds.toFixed(0)} s`,
    `highest private memory of a node: ${peak.toFixed(1)} MB`,
    `reads, ${atOnce} at a time at one node, go on for the first ${readMs / 1000} s of mending`,
  ])
}

/** Takes two machines away for good, and waits until everything survives the loss of two again. */
async function loseAndMend(
  town: Town,
  blobs: readonly Blob[],
  joining: number,
  random: Random,
): Promise<string[]> {
  const [reader, ...others] = town.citizens.filter(isRunning) as [Citizen, ...Citizen[]]
  const before = await readFor(readMs, reader, blobs, random)
  const lost = others.slice(-killedAtOnce)
  const lostBytes = (await look(lost)).storedBytes
  const left = town.citizens.filter((citizen) => isRunning(citizen) && !lost.includes(citizen))
  const start = await look(left)
  const started = performance.now()
  const killedAt = Date.now()
  for (const citizen of lost) {
    await town.kill(citizen)
    await rm(citizen.folder.path, { recursive: true })
  }
  for (let at = 0; at < joining; at++) left.push(await town.add('reader'))
  const reading = readFor(readMs, reader, blobs, random)
  const end = await untilWhole(town, killedAt)
  const seconds = (performance.now() - started) / 1000
  const meanwhile = await reading
  const moved = end.movedBytes - start.movedBytes
  const cpu = end.cpuSeconds - start.cpuSeconds
  const cost = moved / (lostBytes * k)
  if (cost > movedMax || meanwhile / before < readingMin) process.exitCode = 1
  const gib = (bytes: number) => bytes / 2 ** 30
  return [
    ...[gib(lostBytes).toFixed(2), seconds.toFixed(0), gib(moved).toFixed(2), cost.toFixed(2)],
    ...[cpu.toFixed(0), (cpu / gib(moved)).toFixed(1)],
    ...[before.toFixed(0), meanwhile.toFixed(0), (meanwhile / before).toFixed(2)],
  ]
}

/** Waits until every node has looked through what it holds `since`, and all is as it should be. */
async function untilWhole(town: Town, since: number): Promise<Look> {
  for (;;) {
    const seen = await look(town.citizens.filter(isRunning), since)
    if (seen.isWhole) return seen
    await rest(glanceMs)
  }
}

/** What nodes say is one thing, what is in their folders another: no block may be on fewer than before. */
async function areSpread(town: Town, before: ReadonlyMap<string, number>): Promise<void> {
  const now = await spreadOver(town.citizens.filter(isRunning))
  for (const [block, members] of before) {
    const wanted = Math.min(members, n) // A put may have brought a shard to one more than it had to.
    const has = now.get(block) ?? 0
    assert.ok(has >= wanted, `${has} nodes have something of ${block}, of ${wanted}`)
  }
}

/** Different bytes in each, at each node in turn. */
async function putAll(town: Town, size: number, count: number): Promise<Blob[]> {
  const put = async (at: number): Promise<Blob> => {
    const hash = createHash('sha256')
    const body = hashed(keyStream(Math.ceil(size / count)), hash)
    const progress = new Progress(quiet, '')
    const node = town.citizens[at % nodes]!
    const { address } = await storeBlob(node.door, body, { signal: never, progress })
    return { address, hash: hash.digest('hex') }
  }
  return Array.fromAsync(mapAhead(Array(count).keys(), atOnce, put))
}

/** Reads blobs at random for so long; MiB a second, of those that have come back. */
async function readFor(
  ms: number,
  node: Citizen,
  blobs: readonly Blob[],
  random: Random,
): Promise<number> {
  const started = performance.now()
  const pick = function* () {
    while (performance.now() - started < ms) yield blobs[between(random, 0, blobs.length)]!
  }
  let bytes = 0
  for await (const size of mapAhead(pick(), atOnce, (blob) => readBack(node, blob))) bytes += size
  return bytes / 2 ** 20 / ((performance.now() - started) / 1000)
}

async function readAll(town: Town, blobs: readonly Blob[]): Promise<void> {
  const running = town.citizens.filter(isRunning)
  const read = ([at, blob]: [number, Blob]) => readBack(running[at % running.length]!, blob)
  for await (const _ of mapAhead(blobs.entries(), atOnce, read));
}

async function readBack(node: Citizen, { address, hash }: Blob): Promise<number> {
  const back = await getBack(address, node, quiet, never)
  assert.equal(back.hash, hash, `${address} came back as other bytes`)
  return back.bytes
}

async function* hashed(source: Bytes, hash: Hash): Bytes {
  for await (const chunk of source) {
    hash.update(chunk)
    yield chunk
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}
