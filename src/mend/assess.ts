import type { Code } from '../coding/code.ts'
import { isSameCode } from '../coding/code.ts'
import type { Layout } from '../coding/layout.ts'
import type { Held, Holder } from '../node/holder.ts'
import { survivalOf } from '../node/survival.ts'
import { chooseCode, type Aims } from './aims.ts'

/** What is known of one block. */
export interface Evidence {
  /** This node, as a holder. */
  readonly self: Holder
  /** Those who store and are here, in the order in which they should hold the block. */
  readonly order: readonly Holder[]
  /** What each has who has something, this node among them. */
  readonly held: ReadonlyMap<Holder, readonly Held[]>
  /** The layouts that `held` speaks of, by their ids; those that nobody could show are left out. */
  readonly layouts: ReadonlyMap<string, Layout>
}

/** How a block stands, and what this node can do about it. */
export interface Verdict {
  /** Members that may vanish now, whichever they are, until it is lost; −1: it is. */
  readonly survives: number
  /** Members that should be able to vanish. */
  readonly wanted: number
  /** What it should be coded in. */
  readonly code: Code
  /** Whether every shard of a layout in that code is somewhere. */
  readonly isComplete: boolean
  /** Holders who come before this node: at 0 it is the one that mends. */
  readonly turn: number
  /** Of this node's shards, those that another member should have and does not. */
  readonly misplaced: readonly Move[]
  /** Of this node's shards, those that are of no use any more. */
  readonly surplus: readonly Held[]
}

/** A shard, and those who may take it over. */
export interface Move extends Held {
  readonly to: readonly Holder[]
}

const nothingToDo = { misplaced: [], surplus: [] }

/** Which shards of one layout each member has. */
interface Spread {
  readonly id: string
  readonly layout: Layout
  readonly homes: ReadonlyMap<Holder, ReadonlySet<number>>
}

/** Judges one block. The same evidence gives the same verdict, whoever judges. */
export function assess(evidence: Evidence, aims: Aims): Verdict {
  const { self, order, held } = evidence
  const spreads = spreadsOf(evidence)
  const size = spreads[0]?.layout.size ?? 0
  const present = spreads.map((spread) => ({
    code: spread.layout,
    isComplete: isComplete(spread, order.length),
  }))
  const code = chooseCode(size, present, aims)
  const best = spreads
    .filter(({ layout }) => isSameCode(layout, code))
    .toSorted((a, b) => shardsIn(b) - shardsIn(a))[0]
  const isWhole = best !== undefined && isComplete(best, order.length)
  const survives = Math.max(-1, ...spreads.map(({ layout, homes }) => survivalOf(layout, homes)))
  const ranked = [...order, ...sortedById(held.keys())].filter((holder) => held.has(holder))
  return {
    survives,
    wanted: code.n - code.k,
    code: { k: code.k, n: code.n },
    isComplete: isWhole,
    turn: ranked.indexOf(self),
    ...(isWhole ? tasksOf(best, Math.min(survives, code.n - code.k), evidence) : nothingToDo),
  }
}

function spreadsOf({ held, layouts }: Evidence): Spread[] {
  return [...layouts].map(([id, layout]) => {
    const homes = new Map<Holder, Set<number>>()
    for (const [holder, shards] of held) {
      const indexes = shards.filter((one) => one.layout === id && one.index < layout.n)
      if (indexes.length > 0) homes.set(holder, new Set(indexes.map(({ index }) => index)))
    }
    return { id, layout, homes }
  })
}

/** Copies are all alike: what counts is how many members have one. */
function isComplete({ layout: { k, n }, homes }: Spread, members: number): boolean {
  if (k === 1) return homes.size > 0 && homes.size >= Math.min(n, members)
  return new Set([...homes.values()].flatMap((indexes) => [...indexes])).size === n
}

function shardsIn({ homes }: Spread): number {
  return new Set([...homes.values()].flatMap((indexes) => [...indexes])).size
}

function sortedById(holders: Iterable<Holder>): Holder[] {
  return [...holders].sort((a, b) => (a.member.id < b.member.id ? -1 : 1))
}

/**
 * What this node does with its own shards, now that a layout is complete. Shards of other layouts go once
 * it is spread so well that it `survives` as much without them.
 */
function tasksOf(
  spread: Spread,
  survives: number,
  evidence: Evidence,
): Pick<Verdict, 'misplaced' | 'surplus'> {
  const { id, layout, homes } = spread
  const { self, held, order } = evidence
  const isEnough = survivalOf(layout, homes) >= survives
  const other = isEnough ? (held.get(self) ?? []).filter((one) => one.layout !== id) : []
  const wanted = order.slice(0, layout.n)
  const atHome = new Map(wanted.flatMap((one) => (homes.has(one) ? [[one, homes.get(one)!]] : [])))
  const isSpread = layout.k > 1 && order.length >= layout.n
  const mine = [...(homes.get(self) ?? [])]
  const others = order.filter((holder) => holder !== self)
  const {
    away,
    spare,
    to = others,
  } = isSpread
    ? matched(mine, self, wanted, homes)
    : crowded(mine, self, wanted, { ...spread, homes: atHome }, survives)
  const named = (indexes: readonly number[]) => indexes.map((index) => ({ layout: id, index }))
  const misplaced = named(away).map((one) => ({ ...one, to }))
  return { misplaced, surplus: [...other, ...named(spare)] }
}

interface Own {
  /** Shards that another should have. */
  readonly away: readonly number[]
  /** Who lacks one; others may have the very shard, and it is to come here all the same. */
  readonly to?: readonly Holder[]
  /** Shards that nobody misses. */
  readonly spare: readonly number[]
}

/**
 * As many members as shards: each is to have one. While no choice of one shard at each gives all of them,
 * those that are left over are handed over, each by the first who has it; once there is one, everything
 * else is spare. Everyone makes the same choice.
 */
function matched(
  mine: readonly number[],
  self: Holder,
  wanted: readonly Holder[],
  homes: Spread['homes'],
): Own {
  const indexes = new Set([...homes.values()].flatMap((each) => [...each]))
  const atHome = wanted.filter((holder) => homes.has(holder))
  const chosen = matching(new Map(atHome.map((holder) => [holder, homes.get(holder)!])))
  if (chosen.size === indexes.size) {
    return { away: [], spare: mine.filter((index) => chosen.get(index) !== self) }
  }
  const others = sortedById(homes.keys())
  const isFirst = (index: number) =>
    [...atHome, ...others].find((holder) => homes.get(holder)!.has(index)) === self
  const away = mine.filter((index) => !chosen.has(index) && isFirst(index))
  const settled = new Set(chosen.values())
  return { away, to: wanted.filter((holder) => !settled.has(holder)), spare: [] }
}

/** One member for as many shards as can be, and one shard for each member (Kuhn 1955). */
function matching(homes: Spread['homes']): Map<number, Holder> {
  const chosen = new Map<number, Holder>()
  const place = (holder: Holder, tried: Set<number>): boolean => {
    for (const index of [...homes.get(holder)!].sort((a, b) => a - b)) {
      if (tried.has(index)) continue
      tried.add(index)
      const before = chosen.get(index)
      if (before !== undefined && !place(before, tried)) continue
      chosen.set(index, holder)
      return true
    }
    return false
  }
  for (const holder of homes.keys()) place(holder, new Set())
  return chosen
}

/** Copies, or fewer members than shards: everyone has one at least, and what members have too much of stays. */
function crowded(
  mine: readonly number[],
  self: Holder,
  wanted: readonly Holder[],
  atHome: Spread,
  survives: number,
): Own {
  const { layout, homes } = atHome
  const isWanted = wanted.includes(self)
  const isDone = isComplete(atHome, wanted.length) && survivalOf(layout, homes) >= survives
  if (isDone && !isWanted) return { away: [], spare: mine }
  const lacking = wanted.filter((holder) => !homes.has(holder))
  const spare = isWanted ? mine.slice(1) : mine
  if (layout.k === 1) {
    return { away: lacking.length > 0 ? spare.slice(0, 1) : [], spare: isWanted ? spare : [] }
  }
  return isWanted
    ? { away: spare.slice(0, lacking.length), to: lacking, spare: [] }
    : { away: spare, spare: [] }
}
