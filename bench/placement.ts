import { addressOf, type Address } from '../src/address/address.ts'
import { placementOrder, type Place } from '../src/node/placement.ts'
import { printTable } from './table.ts'

const gib = 2 ** 30
const shards = 6 // A block's, in a swarm of the commonest size: 4 + 2.
const sizes = Array.from({ length: 10 }, (_, index) => index + 1)

/** What is promised, and what was found: a part of one. */
interface Finding {
  readonly what: string
  readonly most: number
  readonly found: number
}

/**
 * Who holds what: shares of members of unequal size, shards that move when one leaves, zones.
 * Exits with 1 when a promise is broken. Chance alone needs a million blocks to be within 3 %.
 *
 *     placement [blocks]
 */
export async function run(args: string[]): Promise<void> {
  const blocks = Number(args[0] ?? 1_000_000)
  const findings = [
    shares('20 members of 100 to 1,000 GiB', (size) => 100 * size, blocks),
    shares('20 members of 1.4 to 2.75 GiB', (size) => 1.25 + 0.15 * size, blocks),
    moved('without zones', '', blocks / 10),
    moved('in 4 zones', 'zone', blocks / 10),
    together(blocks / 10),
  ]
  const percent = (part: number) => `${(100 * part).toFixed(2)} %`
  const rows = findings.map(({ what, most, found }) => [what, percent(most), percent(found)])
  printTable('What is promised', [['', 'at most', 'found'], ...rows], speed())
  if (findings.some(({ most, found }) => found > most)) process.exitCode = 1
}

/** Two members of each of ten sizes, in four zones. */
function twenty(gibOf: (size: number) => number): Place[] {
  return sizes.flatMap((size, index) =>
    [0, 1].map((twin) => ({
      id: `member ${size} ${twin}`,
      capacity: Math.round(gibOf(size) * gib),
      zone: `zone ${(index + 2 * twin) % 4}`,
    })),
  )
}

/** Members' shares of first places and of shards. Finds the first place that is farthest off. */
function shares(title: string, gibOf: (size: number) => number, blocks: number): Finding {
  const members = twenty(gibOf)
  const [first, some, zoned] = [new Tally(), new Tally(), new Tally()]
  const zoneless = members.map(({ id, capacity }) => ({ id, capacity }))
  for (let n = 0; n < blocks; n++) {
    const order = placementOrder(nthAddress(n), zoneless)
    first.count(order.slice(0, 1))
    some.count(order.slice(0, shards))
    if (n % 10 === 0) zoned.count(placementOrder(nthAddress(n), members).slice(0, shards))
  }
  const total = members.reduce((sum, { capacity }) => sum + capacity, 0)
  const rows = members.map(({ id, capacity }) => {
    const weight = capacity / total
    return [id, weight, first.shareOf(id), some.shareOf(id), zoned.shareOf(id)] as const
  })
  const cells = rows
    .filter((_, index) => index % 2 === 0)
    .map(([id, ...parts]) => [id, ...parts.map((part) => (100 * part).toFixed(2))])
  const columns = ['one of each size', 'weight %', 'first %', `${shards} shards %`, 'in 4 zones %']
  printTable(title, [columns, ...cells])
  const off = rows.map(([, weight, part]) => Math.abs(part / weight - 1))
  return { what: `first places off their weight, ${title}`, most: 0.03, found: Math.max(...off) }
}

/** One of twenty members of one size leaves: the part of all shards that have a new holder then. */
function moved(how: string, zone: string, blocks: number): Finding {
  const members = Array.from({ length: 20 }, (_, index) => ({
    id: `member ${index}`,
    capacity: 100 * gib,
    zone: zone && `${zone} ${index % 4}`,
  }))
  let count = 0
  for (let n = 0; n < blocks; n++) {
    const gone = members[n % members.length]!
    const before = placementOrder(nthAddress(n), members).slice(0, shards)
    const left = members.filter((member) => member !== gone)
    const after = placementOrder(nthAddress(n), left).slice(0, shards)
    count += after.filter((member) => !before.includes(member)).length
  }
  const what = `shards that move when one of 20 leaves, ${how}`
  return { what, most: 1.1 / 20, found: count / (blocks * shards) }
}

/** The part of blocks of which two shards share a zone though there are as many zones as shards. */
function together(blocks: number): Finding {
  const members = twenty((size) => 100 * size).map((member, index) => ({
    ...member,
    zone: `zone ${index % shards}`,
  }))
  let count = 0
  for (let n = 0; n < blocks; n++) {
    const holders = placementOrder(nthAddress(n), members).slice(0, shards)
    if (new Set(holders.map(({ zone }) => zone)).size < shards) count += 1
  }
  const what = `blocks with two of ${shards} shards in one of ${shards} zones`
  return { what, most: 0, found: count / blocks }
}

/** What a put pays for each block. */
function speed(): string[] {
  return [20, 200].map((count) => {
    const members = Array.from({ length: count }, (_, index) => ({
      id: `${'member'.padEnd(28, '.')}${1000 + index}`,
      capacity: 100 * gib,
      zone: `zone ${index % 9}`,
    }))
    const started = performance.now()
    const blocks = 2_000
    for (let n = 0; n < blocks; n++) placementOrder(nthAddress(n), members)
    const microseconds = (1000 * (performance.now() - started)) / blocks
    return `The order of ${count} members takes ${microseconds.toFixed(0)} µs a block.`
  })
}

class Tally {
  readonly #counts = new Map<string, number>()
  #all = 0

  count(members: readonly Place[]): void {
    this.#all += members.length
    for (const { id } of members) this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1)
  }

  shareOf(id: string): number {
    return (this.#counts.get(id) ?? 0) / this.#all
  }
}

function nthAddress(n: number): Address {
  return addressOf('raw', 'blake3', new Uint8Array(new Uint32Array([n]).buffer))
}

if (import.meta.main) await run(process.argv.slice(2))
