import { formatCode, policyFor, type Code } from '../src/coding/code.ts'
import { membershipDefaults } from '../src/discovery/limits.ts'
import { configDefaults } from '../src/daemon/config.ts'
import {
  blobLossWithinAYear,
  lossesPerYear,
  lossWithinAYear,
  yearsToLoss,
} from './durabilityModel.ts'
import { printTable } from './table.ts'

const chances = [0.02, 0.1, 0.5]
const hourYears = 1 / (365.25 * 24)
const repairs = { '10 min': hourYears / 6, 'a day': 24 * hourYears, 'a week': 7 * 24 * hourYears }
const segmentBytes = 2 ** 20
const blocks = Math.ceil(1e12 / segmentBytes)
const manyMembers = 100
const twoCopies: Code = { k: 1, n: 2 }
const threeCopies: Code = { k: 1, n: 3 }

/** What the page docs/durability.md has as well; a test compares them. */
export interface DurabilityTable {
  readonly title: string
  readonly rows: readonly (readonly string[])[]
}

/**
 * How likely data is lost within a year, by code, by how often members are lost, and how fast it is mended.
 *
 *     durability [markdown]
 */
export async function run([how]: string[]): Promise<void> {
  for (const { title, rows } of durabilityTables()) {
    if (how === 'markdown') console.log(`${title}:\n\n${markdown(rows)}\n`)
    else printTable(title, rows)
  }
}

/** As the page has it. */
function markdown([head = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

export function durabilityTables(): DurabilityTable[] {
  return [...chances.map(ofABlock), ofABlob(), years(), repairTimes()]
}

/** The rows of the policy, and for how many members each is. */
function policyRows(): { code: Code; from: number; to: number }[] {
  const all = Array.from({ length: manyMembers }, (_, index) => index + 1)
  const byCode = Map.groupBy(all, (members) => formatCode(policyFor(members)))
  return [...byCode.values()].map((members) => {
    return { code: policyFor(members[0]!), from: members[0]!, to: members.at(-1)! }
  })
}

function ofABlock(chance: number): DurabilityTable {
  const fates = Object.values(repairs).map((repairYears) => {
    return { lossesPerYear: lossesPerYear(chance), repairYears }
  })
  const row = (what: string, code: Code) => [
    what,
    formatCode(code),
    (code.n / code.k).toFixed(2),
    String(code.n - code.k),
    ...fates.map((fate) => rounded(lossWithinAYear(code, fate))),
  ]
  const head = ['members', 'code', 'bytes', 'survives', ...Object.keys(repairs)]
  const rows = policyRows().map(({ code, from, to }) => row(range(from, to), code))
  const copies = [row('two copies', twoCopies), row('three copies', threeCopies)]
  const title = `A block, when ${percent(chance)} of members are lost in a year`
  return { title, rows: [head, ...rows, ...copies] }
}

function ofABlob(): DurabilityTable {
  const row = (what: string, code: Code, members: number) => [
    what,
    formatCode(code),
    ...chances.map((chance) => {
      const fate = { lossesPerYear: lossesPerYear(chance), repairYears: repairs['a day'] }
      return rounded(blobLossWithinAYear(code, fate, { blocks, members }))
    }),
  ]
  const head = ['members', 'code', ...chances.map((chance) => `${percent(chance)} a year`)]
  const rows = policyRows().map(({ code, from, to }) => row(range(from, to), code, to))
  const copies = [14, manyMembers].map((members) => {
    return row(`${members}, three copies`, threeCopies, members)
  })
  const title = 'Anything of a blob of 1 TB, at most, mended within a day'
  return { title, rows: [head, ...rows, ...copies] }
}

function years(): DurabilityTable {
  const row = (what: string, code: Code) => [
    what,
    formatCode(code),
    ...chances.map((chance) => {
      const fate = { lossesPerYear: lossesPerYear(chance), repairYears: repairs['a day'] }
      return rounded(yearsToLoss(code, fate))
    }),
  ]
  const head = ['members', 'code', ...chances.map((chance) => `${percent(chance)} a year`)]
  const rows = policyRows().map(({ code, from, to }) => row(range(from, to), code))
  return {
    title: 'Years until a block is lost, on average, mended within a day',
    rows: [head, ...rows, row('three copies', threeCopies)],
  }
}

/**
 * How long until a shard of a lost member is made anew, on average: noticing it, and half of the time that all
 * of them take. For each, k shards pass through the node that mends it; all who are left take part.
 */
function repairTimes(): DurabilityTable {
  const lines = {
    'home, 20 Mbit/s up': 2.5e6,
    'home, 100 Mbit/s up': 12.5e6,
    'the default limit': configDefaults.repairBytesPerSecond,
  }
  const held = { '100 GB': 1e11, '1 TB': 1e12, '4 TB': 4e12 }
  const swarms = [4, 6, 14]
  const head = ['each can move', 'members', ...Object.keys(held)]
  const rows = Object.entries(lines).flatMap(([line, bytesPerSecond]) =>
    swarms.map((members) => [
      line,
      String(members),
      ...Object.values(held).map((bytes) => {
        const { k } = policyFor(members)
        const allSeconds = (bytes * k) / (bytesPerSecond * (members - 1))
        return hours(membershipDefaults.awayMs / 3_600_000 + allSeconds / 3600 / 2)
      }),
    ]),
  )
  return {
    title:
      'How soon a shard is made anew after its member was lost, on average, by what the member held',
    rows: [head, ...rows],
  }
}

/** One digit of what is small or large, two of the rest: more would pretend to be known. */
function rounded(value: number): string {
  if (value < 0.01 || value >= 1e6) return value.toExponential(0).replace('+', '')
  return value < 100 ? value.toPrecision(2) : Number(value.toPrecision(2)).toLocaleString('en')
}

function percent(chance: number): string {
  return `${chance * 100} %`
}

function range(from: number, to: number): string {
  if (to === manyMembers) return `${from} and more`
  return from === to ? String(from) : `${from} to ${to}`
}

function hours(value: number): string {
  return value < 1
    ? `${Math.round(value * 60)} min`
    : value < 48
      ? `${value.toFixed(0)} h`
      : `${(value / 24).toFixed(0)} days`
}
