import type { Code } from '../coding/code.ts'
import type { Holder } from './holder.ts'

/** Which shards of one layout each member has. */
export type Homes = ReadonlyMap<Holder, ReadonlySet<number>>

/** How many members may vanish, whichever they are, until a layout's block is lost; −1 when it is. */
export function survivalOf({ k }: Code, homes: Homes): number {
  return k === 1 ? homes.size - 1 : survivedBy(differentShards(homes), k)
}

/** How many members may vanish when these many shards are on each, and any `k` give the block back. */
export function survivedBy(counts: readonly number[], k: number): number {
  const largestFirst = counts.toSorted((a, b) => b - a)
  let left = largestFirst.reduce((sum, count) => sum + count, 0)
  let losses = -1
  for (const count of [0, ...largestFirst]) {
    left -= count
    if (left < k) break
    losses += 1
  }
  return losses
}

/** How many shards each member has, each shard counted once: where two have it, for who has fewer. */
function differentShards(homes: Homes): number[] {
  const counts = new Map<Holder, number>()
  const indexes = new Set([...homes.values()].flatMap((each) => [...each]))
  const homesOf = (index: number) =>
    [...homes].filter(([, each]) => each.has(index)).map(([holder]) => holder)
  for (const holders of [...indexes].map(homesOf).sort((a, b) => a.length - b.length)) {
    const [fewest] = holders.sort((a, b) => (counts.get(a) ?? 0) - (counts.get(b) ?? 0))
    if (fewest) counts.set(fewest, (counts.get(fewest) ?? 0) + 1)
  }
  return [...counts.values()]
}
