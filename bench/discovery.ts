import { writeFileSync } from 'node:fs'
import { seededRandom } from '../src/base/random.ts'
import { drawDiscovery, type Point } from './discoverySvg.ts'
import { candidates, memoryInUse, Swarm, type Outcome } from './discoverySwarm.ts'
import { VirtualTime } from './discoveryTime.ts'
import { median, printTable } from './table.ts'

const seed = 7
const sizes = [10, 100, 1_000, 10_000] as const
const goneParts = [0, 0.1, 0.3] as const
const lookups = 200
const restMs = 900_000 // As long as it takes to see all upkeep once.
const minutes = 60_000

/**
 * How members are found in swarms of 10 to 10,000 nodes: hops, messages, bytes and time of lookups in the
 * DHT, when all are there and when a part is silently gone, and what a node costs that does nothing else.
 * The nodes are real ones, on simulated UDP (20 to 100 ms one way, one packet in a hundred is lost), in
 * virtual time, from one seed; every one has joined by itself.
 *
 *     discovery [nodes…]
 */
export async function run(args: string[]): Promise<void> {
  const chosen = args.length > 0 ? args.map(Number) : sizes
  await measure(10) // So that what is loaded once is not counted below.
  const rows: string[][] = []
  const points: Point[] = []
  for (const nodes of chosen) {
    const { lines, drawn } = await measure(nodes)
    rows.push(...lines)
    points.push(drawn)
  }
  printTable(
    `Lookups in the DHT, ${lookups} of each kind; medians, and in brackets the most`,
    [columns, ...rows],
    [...notes, ...(await inTime(measureCosts))],
  )
  if (args.length > 0) return
  const file = new URL('../docs/discovery.svg', import.meta.url)
  writeFileSync(file, drawDiscovery(points))
}

const columns = [
  ...['nodes', 'gone', 'candidates: hops', 'messages', 'KB', 's', 'true of 20', 'success'],
  ...['root: hops', 'messages', 's', 'success', 'broadcast', 'KiB a node'],
]

const notes = [
  'candidates: the 20 nodes nearest to an address; a success has half of those that truly are, or more',
  'root: who has published it, up to the first word of it; hops 0: the asker was told of it itself',
  'messages: questions and answers; broadcast: everyone is asked',
  'gone: silent, without a word, all at once, and lookups start at once; who has published stays',
  'KiB a node: heap and buffers in use after the garbage collector, less those before, by nodes; the',
  '  simulated socket is in it, a real one and the membership are not',
]

async function measure(nodes: number) {
  const before = await memoryInUse()
  return inTime((time) => lookAround(time, nodes, before))
}

async function lookAround(time: VirtualTime, nodes: number, before: number) {
  const swarm = new Swarm(time, seed)
  await swarm.form(nodes)
  const kib = ((await memoryInUse()) - before) / nodes / 1024
  await swarm.publish(lookups)
  const lines: string[][] = []
  const near: Outcome[][] = []
  for (const part of goneParts) {
    swarm.silence(part)
    const found = await swarm.findCandidates(lookups)
    const roots = await swarm.findRoots()
    const enough = Math.ceil(Math.min(candidates, swarm.live) / 2)
    near.push(found)
    lines.push([
      part === 0 ? nodes.toLocaleString('en') : '',
      `${part * 100} %`,
      ...[hopsOf(found), messagesOf(found), kbOf(found), secondsOf(found)],
      mean(found.map((one) => one.found)).toFixed(1),
      percent(found.filter((one) => one.found >= enough).length),
      ...[hopsOf(roots), messagesOf(roots), secondsOf(roots)],
      percent(roots.filter((one) => one.found > 0).length),
      nodes.toLocaleString('en'),
      part === 0 && nodes >= 100 ? kib.toFixed(0) : '', // Of fewer, chance is most of it.
    ])
  }
  await swarm.close()
  return { lines, drawn: pointOf(nodes, near[1]!) }
}

/** What a node of a thousand sends when it does nothing, and for what it has published. */
async function measureCosts(time: VirtualTime): Promise<string[]> {
  const nodes = 1_000
  const swarm = new Swarm(time, seed)
  await swarm.form(nodes)
  const formed = swarm.carried
  await swarm.publish(lookups)
  const published = swarm.carried
  await time.sleep(restMs)
  const before = swarm.carried
  await time.sleep(restMs)
  const { packets, bytes } = swarm.carried
  await swarm.close()
  const perHour = (60 * minutes) / restMs / nodes
  const kb = (count: number) => (count / 1000).toFixed(1)
  return [
    `at rest, one of ${nodes} sends ${((packets - before.packets) * perHour).toFixed(0)} packets ` +
      `(${kb((bytes - before.bytes) * perHour)} KB) an hour, and is sent as many`,
    `an announcement, once an hour, takes ${((published.packets - formed.packets) / lookups).toFixed(0)} ` +
      `packets (${kb((published.bytes - formed.bytes) / lookups)} KB) in all`,
  ]
}

function inTime<T>(work: (time: VirtualTime) => Promise<T>): Promise<T> {
  const time = new VirtualTime()
  const random = seededRandom(seed)
  return time.run(
    () => work(time),
    () => random.fraction(),
  )
}

function pointOf(nodes: number, found: readonly Outcome[]): Point {
  const hops = found.map((one) => one.hops)
  const messages = found.map(({ asked, answered }) => asked + answered)
  return { nodes, hops: mean(hops), hopsMost: Math.max(...hops), messages: mean(messages) }
}

function hopsOf(outcomes: readonly Outcome[]): string {
  const hops = outcomes.map((one) => one.hops)
  return `${median(hops).toFixed(0)} (${Math.max(...hops)})`
}

function messagesOf(outcomes: readonly Outcome[]): string {
  const messages = outcomes.map(({ asked, answered }) => asked + answered)
  return `${median(messages).toFixed(0)} (${Math.max(...messages)})`
}

function kbOf(outcomes: readonly Outcome[]): string {
  return (median(outcomes.map(({ bytes }) => bytes)) / 1000).toFixed(1)
}

function secondsOf(outcomes: readonly Outcome[]): string {
  const seconds = outcomes.map(({ tookMs }) => tookMs / 1000)
  return `${median(seconds).toFixed(1)} (${Math.max(...seconds).toFixed(1)})`
}

function percent(count: number): string {
  return `${((count / lookups) * 100).toFixed(1)} %`
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
