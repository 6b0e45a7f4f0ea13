import { hashOf, type Address } from '../address/address.ts'
import { shardBytesOf, type Code } from '../coding/code.ts'
import { layoutFrom, type Layout } from '../coding/layout.ts'
import type { Log } from '../base/log.ts'
import type { Lease } from '../lease/lease.ts'
import type { Holder, Surveyed } from '../node/holder.ts'
import type { Orchestrator } from '../node/orchestrator.ts'
import { scatter, type Scattered } from '../node/scatter.ts'
import { survivalOf } from '../node/survival.ts'
import type { Crew } from '../pipe/crew.ts'
import type { Lane, Slot } from '../pipe/pool.ts'
import { MeteredHolder, type Budget } from './budget.ts'
import type { Sighting } from './survey.ts'

export interface MendParts {
  readonly node: Pick<Orchestrator, 'restore'>
  readonly crew: Crew
  readonly lane: Lane
  readonly budget: Budget
  /** What covers the block where its shards go. */
  readonly leases: readonly Lease[]
  readonly log: Log
  readonly signal: AbortSignal
}

/**
 * Makes a block whole from any k shards, without a key, codes it, and brings the shards that are missing
 * to those who should have them. The same block in the same code has the same layout, whoever codes it: so
 * mending and coding anew are one thing. When it has resolved, what was sent is synced at its holders;
 * nothing is removed. Throws 'not-found', 'not-enough-shards', 'not-enough-members'.
 */
export async function mendBlock(
  sighting: Sighting,
  code: Code,
  parts: MendParts,
): Promise<Scattered> {
  const { block, self } = sighting
  const { node, lane, budget, leases, log, signal } = parts
  const metered = (holder: Surveyed): Holder =>
    holder === self ? holder : new MeteredHolder(holder.quietly(), budget)
  const slot = await lane.take(signal)
  try {
    const { layout, holders } = likeliest(sighting)
    const from = { k: layout?.k ?? 1, holders: holders.map(metered), signal }
    const size = await node.restore(block, slot, from)
    const anew = await codeAnew(block, slot, size, code, parts.crew)
    const shardBytes = shardBytesOf(anew, size)
    const shardAt = (index: number) => slot.shard(index, anew.k, shardBytes)
    return await scatter(anew, shardAt, sighting.order.map(metered), { leases, log, signal })
  } finally {
    slot.release()
  }
}

/** The layout that survives most, and its holders: this node first, which costs nothing, then the others. */
function likeliest({ self, held, layouts }: Sighting): { layout?: Layout; holders: Surveyed[] } {
  const homesOf = (id: string) =>
    [...held]
      .map(([holder, shards]) => [holder, shards.filter(({ layout }) => layout === id)] as const)
      .filter(([, shards]) => shards.length > 0)
      .map(([holder, shards]) => [holder, new Set(shards.map(({ index }) => index))] as const)
  const ranked = [...layouts]
    .map(([id, layout]) => ({ layout, homes: new Map<Surveyed, Set<number>>(homesOf(id)) }))
    .sort((a, b) => survivalOf(b.layout, b.homes) - survivalOf(a.layout, a.homes))
  const best = ranked[0]
  const first = [...(best?.homes.keys() ?? [])].sort((a, b) => +(b === self) - +(a === self))
  return { layout: best?.layout, holders: [...new Set([...first, ...held.keys()])] }
}

/** The block that stands in the slot, and its parity beside it. */
async function codeAnew(
  block: Address,
  slot: Slot,
  size: number,
  code: Code,
  crew: Crew,
): Promise<Layout> {
  const { dataAt, parityAt } = slot
  const hash = hashOf(block)
  const { shards } = await crew.seal({ type: 'seal', dataAt, parityAt, size, ...code, hash })
  return layoutFrom(block, size, code, shards)
}
