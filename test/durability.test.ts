import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { durabilityTables } from '../bench/durability.ts'
import {
  blobLossWithinAYear,
  lossWithinAYear,
  yearsToLoss,
  type Fate,
} from '../bench/durabilityModel.ts'
import { seededRandom } from '../src/base/random.ts'
import type { Code } from '../src/coding/code.ts'

const dayYears = 1 / 365
const random = seededRandom(17)
const exponential = (mean: number) => -mean * Math.log1p(-random.fraction())
const constant = (mean: number) => mean

/** Years until members that are away together make a loss, in a plain simulation of each; at most `until`. */
function simulate(
  members: number,
  { lossesPerYear, repairYears }: Fate,
  options: {
    isLoss: (away: readonly boolean[]) => boolean
    repair?: (mean: number) => number
    until?: number
  },
): number {
  const { isLoss, repair = exponential, until = Infinity } = options
  const away = new Array<boolean>(members).fill(false)
  const next = away.map(() => exponential(1 / lossesPerYear))
  for (;;) {
    const now = Math.min(...next)
    if (now > until) return Infinity
    const member = next.indexOf(now)
    away[member] = !away[member]
    if (away[member] && isLoss(away)) return now
    next[member] = now + (away[member] ? repair(repairYears) : exponential(1 / lossesPerYear))
  }
}

const moreAwayThan = (most: number) => (away: readonly boolean[]) =>
  away.filter((isAway) => isAway).length > most

/** The average of many, and how far it may be off by chance (four standard errors). */
function average(count: number, draw: () => number): { mean: number; off: number } {
  const values = Array.from({ length: count }, draw)
  const mean = values.reduce((sum, value) => sum + value, 0) / count
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1)
  return { mean, off: 4 * Math.sqrt(variance / count) }
}

describe('The time until a block is lost', () => {
  it('is what the canonical formula of disk arrays says, where one loss is survived', () => {
    // Greenan, Plank and Wylie, HotStorage 2010, who also say why not to believe it too much.
    for (const n of [2, 3, 8, 20]) {
      for (const [lossesPerYear, repairYears] of [
        [0.02, dayYears],
        [5, 0.3],
      ] as const) {
        const [rate, repairs] = [lossesPerYear, 1 / repairYears]
        const known = ((2 * n - 1) * rate + repairs) / (n * (n - 1) * rate ** 2)
        const ours = yearsToLoss({ k: n - 1, n }, { lossesPerYear, repairYears })
        assert.ok(Math.abs(ours / known - 1) < 1e-12)
      }
    }
  })

  it('is what the losses alone make it, where nothing is repaired', () => {
    const never = { lossesPerYear: 0.5, repairYears: Infinity }
    assert.ok(Math.abs(yearsToLoss({ k: 4, n: 6 }, never) - 2 * (1 / 6 + 1 / 5 + 1 / 4)) < 1e-12)
  })

  it('keeps its digits where the chance is one in 10^28', () => {
    const [rate, repairYears] = [0.002, dayYears / 144]
    const ways = (14 * 13 * 12 * 11 * 10) / (4 * 3 * 2)
    const first = 1 / (ways * rate ** 5 * repairYears ** 4)
    const years = yearsToLoss({ k: 10, n: 14 }, { lossesPerYear: rate, repairYears })
    assert.ok(years > 1e28)
    assert.ok(Math.abs(years / first - 1) < 1e-5)
    const chance = lossWithinAYear({ k: 10, n: 14 }, { lossesPerYear: rate, repairYears })
    assert.ok(Math.abs(chance * years - 1) < 1e-12)
  })

  const feasible: [code: Code, fate: Fate][] = [
    [
      { k: 1, n: 2 },
      { lossesPerYear: 2, repairYears: 0.05 },
    ],
    [
      { k: 4, n: 6 },
      { lossesPerYear: 2, repairYears: 0.05 },
    ],
    [
      { k: 6, n: 9 },
      { lossesPerYear: 3, repairYears: 0.04 },
    ],
    [
      { k: 10, n: 14 },
      { lossesPerYear: 5, repairYears: 0.04 },
    ],
  ]
  for (const [code, fate] of feasible) {
    const name = `${code.k} of ${code.n}`
    it(`is what a simulation of every member finds: ${name}`, (t) => {
      const isLoss = moreAwayThan(code.n - code.k)
      const { mean, off } = average(5_000, () => simulate(code.n, fate, { isLoss }))
      const years = yearsToLoss(code, fate)
      t.diagnostic(`${name}: ${years.toFixed(3)}; simulated ${mean.toFixed(3)} ± ${off.toFixed(3)}`)
      assert.ok(Math.abs(years - mean) < off)
    })
  }

  it('hardly depends on how repair times vary, only on their average', (t) => {
    const [code, fate] = [
      { k: 2, n: 4 },
      { lossesPerYear: 1, repairYears: 0.02 },
    ]
    const isLoss = moreAwayThan(2)
    const { mean, off } = average(3_000, () => simulate(4, fate, { isLoss, repair: constant }))
    const years = yearsToLoss(code, fate)
    t.diagnostic(`${years.toFixed(1)}; all repairs alike: ${mean.toFixed(1)} ± ${off.toFixed(1)}`)
    assert.ok(Math.abs(years - mean) < off + 0.05 * years)
  })
})

describe('The chance of a loss within a year', () => {
  const share = (count: number, years: () => number) => average(count, () => Number(years() <= 1))

  it('is what a simulation finds, or a little more', (t) => {
    const [code, fate] = [
      { k: 4, n: 6 },
      { lossesPerYear: 1, repairYears: 0.05 },
    ]
    const isLoss = moreAwayThan(2)
    const { mean, off } = share(20_000, () => simulate(6, fate, { isLoss, until: 1 }))
    const bound = lossWithinAYear(code, fate)
    t.diagnostic(`at most ${bound.toFixed(4)}; simulated ${mean.toFixed(4)} ± ${off.toFixed(4)}`)
    assert.ok(mean < bound + off && mean > 0.8 * bound - off)
  })

  it('of a blob is never more than said, however its blocks are spread', (t) => {
    const [code, members] = [{ k: 2, n: 3 }, 8]
    for (const [blocks, lossesPerYear] of [
      [1, 0.7],
      [5, 0.7],
      [500, 0.3],
    ] as const) {
      const fate = { lossesPerYear, repairYears: 0.03 }
      const holders = Array.from({ length: blocks }, () => {
        const order = Array.from({ length: members }, (_, id) => ({ id, at: random.fraction() }))
        return order
          .sort((a, b) => a.at - b.at)
          .slice(0, code.n)
          .map(({ id }) => id)
      })
      const isLoss = (away: readonly boolean[]) =>
        holders.some((ids) => ids.filter((id) => away[id]).length > code.n - code.k)
      const { mean, off } = share(10_000, () => simulate(members, fate, { isLoss, until: 1 }))
      const bound = blobLossWithinAYear(code, fate, { blocks, members })
      t.diagnostic(`${blocks} blocks: at most ${bound.toFixed(4)}; simulated ${mean.toFixed(4)}`)
      assert.ok(mean < bound + off && mean > 0.6 * bound - off)
    }
  })

  it('of a blob on the members of one block is the chance of that block', () => {
    const [code, fate] = [
      { k: 4, n: 6 },
      { lossesPerYear: 0.1, repairYears: dayYears },
    ]
    const blob = blobLossWithinAYear(code, fate, { blocks: 1e6, members: 6 })
    assert.equal(blob, lossWithinAYear(code, fate))
  })

  it('is n − k + 1 times what Backblaze publishes, who count losses by fixed periods', () => {
    // Their README, "4 2 0.10 1": 1.500e-07. Losses a day apart count there only within the same day.
    const published = backblaze({ k: 4, n: 6 }, { lossesPerYear: 0.1, repairYears: dayYears })
    assert.equal(published.toExponential(3), '1.500e-7')
    for (const [code, fate] of [
      [
        { k: 4, n: 6 },
        { lossesPerYear: 0.1, repairYears: dayYears },
      ],
      [
        { k: 17, n: 20 },
        { lossesPerYear: 0.01, repairYears: 5 * dayYears },
      ],
    ] as const) {
      const ours = lossWithinAYear(code, fate)
      const times = ours / backblaze(code, fate)
      assert.ok(Math.abs(times / (code.n - code.k + 1) - 1) < 0.01, `${times} times`)
    }
  })
})

/** github.com/Backblaze/erasure-coding-durability: independent periods of the length of a repair. */
function backblaze({ k, n }: Code, { lossesPerYear, repairYears }: Fate): number {
  const chance = lossesPerYear * repairYears
  const ways = (count: number) => {
    return Array.from({ length: count }, (_, at) => (n - at) / (at + 1)).reduce((a, b) => a * b, 1)
  }
  let ofAPeriod = 0
  for (let lost = n - k + 1; lost <= n; lost++) {
    ofAPeriod += ways(lost) * chance ** lost * (1 - chance) ** (n - lost)
  }
  return -Math.expm1(Math.log1p(-ofAPeriod) / repairYears)
}

describe('docs/durability.md', () => {
  it('has the tables that the program prints', () => {
    const page = readFileSync(new URL('../docs/durability.md', import.meta.url), 'utf8')
    for (const { title, rows } of durabilityTables()) {
      assert.ok(page.includes(title), `"${title}" is there`)
      const after = page.slice(page.indexOf(title))
      const lines = after
        .slice(after.indexOf('\n|') + 1)
        .split('\n\n')[0]!
        .trim()
        .split('\n')
      const cells = lines
        .filter((line) => !/^[|\s:-]+$/.test(line))
        .map((line) =>
          line
            .split('|')
            .slice(1, -1)
            .map((cell) => cell.trim()),
        )
      assert.deepEqual(cells, rows, title)
    }
  })
})
