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
  readonly misplaced: readonly Held[]
  /** Of this node's shards, those that are of no use any more. */
  readonly surplus: readonly Held[]
}

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
  const survivals = spreads.map(({ layout, homes }) => survivalOf(layout, homes))
  const ranked = [...order, ...sortedById(held.keys())].filter((holder) => held.has(holder))
  return {
    survives: Math.max(-1, ...survivals),
    wanted: code.n - code.k,
    code: { k: code.k, n: code.n },
    isComplete: isWhole,
    turn: ranked.indexOf(self),
    misplaced: isWhole ? misplacedAt(best, evidence) : [],
    surplus: isWhole ? surplusAt(best, evidence) : [],
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

/** Those who should have one of its shards. */
function homesWanted({ layout }: Spread, { order }: Evidence): readonly Holder[] {
  return order.slice(0, layout.n)
}

/** All of this node's when it should have none, all but one when it has several, while another lacks one. */
function misplacedAt(spread: Spread, evidence: Evidence): Held[] {
  const { id, homes, layout } = spread
  const { self } = evidence
  const wanted = homesWanted(spread, evidence)
  const lacking = wanted.filter((holder) => !homes.has(holder)).length
  const mine = [...(homes.get(self) ?? [])].map((index) => ({ layout: id, index }))
  const spare = wanted.includes(self) ? mine.slice(1) : mine
  return spare.slice(0, layout.k === 1 ? Math.min(1, lacking) : lacking)
}

/**
 * What is not missed when it goes, now that a layout is complete: shards of other layouts; shards that
 * those who should have them have among them, when this node need not; and one that another has as well.
 */
function surplusAt(spread: Spread, evidence: Evidence): Held[] {
  const { id, layout, homes } = spread
  const { self, held, order } = evidence
  const wanted = homesWanted(spread, evidence)
  const mine = held.get(self) ?? []
  const other = mine.filter((one) => one.layout !== id)
  const same = mine.filter((one) => one.layout === id)
  if (!wanted.includes(self)) {
    const atHome = new Map([...homes].filter(([holder]) => wanted.includes(holder)))
    return isComplete({ ...spread, homes: atHome }, order.length) ? [...other, ...same] : other
  }
  if (layout.k === 1) return [...other, ...same.slice(1)]
  const doubled = same.filter(({ index }) => isAtAnother(index, homes, wanted, self))
  return [...other, ...doubled.slice(0, same.length - 1)]
}

/** Of two members who both have more than one shard, the later in the order lets go of what both have. */
function isAtAnother(
  index: number,
  homes: Spread['homes'],
  wanted: readonly Holder[],
  self: Holder,
): boolean {
  return wanted.some((holder, rank) => {
    const theirs = holder === self ? undefined : homes.get(holder)
    return theirs?.has(index) === true && (theirs.size === 1 || rank < wanted.indexOf(self))
  })
}
