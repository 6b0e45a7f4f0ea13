import { formatAddress, type Address } from '../../src/address/address.ts'
import type { Layout } from '../../src/coding/layout.ts'
import type { Holder } from '../../src/node/holder.ts'
import { survivalOf } from '../../src/node/survival.ts'
import type { Machine } from './world.ts'

/** Who soundly keeps which shards of one layout. */
export interface Spread {
  readonly k: number
  readonly n: number
  readonly homes: Map<Machine, Set<number>>
}

/** By blocks, and by layouts. */
export type Holdings = Map<string, Map<string, Spread>>

/** What there is, looked up in the disks themselves: also those that are off, and not those of liars. */
export async function holdings(machines: readonly Machine[]): Promise<Holdings> {
  const all: Holdings = new Map()
  for (const machine of machines.filter(({ isGone, isLiar }) => !isGone && !isLiar)) {
    for (const name of await machine.disk.sound()) {
      const block = formatAddress(name.block)
      const layouts = all.get(block) ?? new Map<string, Spread>()
      all.set(block, layouts)
      const { k, n } = (await machine.disk.kept.layoutOf(name))!
      const spread: Spread = layouts.get(name.layout) ?? { k, n, homes: new Map() }
      layouts.set(name.layout, spread)
      spread.homes.set(machine, (spread.homes.get(machine) ?? new Set<number>()).add(name.index))
    }
  }
  return all
}

/** How many different shards there are more than it takes; below zero the block is lost. */
export function spareOf(block: string, all: Holdings): number {
  const spares = [...(all.get(block)?.values() ?? [])].map(({ k, homes }) => {
    if (k === 1) return homes.size - 1 // Copies are all alike.
    return new Set([...homes.values()].flatMap((indexes) => [...indexes])).size - k
  })
  return Math.max(-1, ...spares)
}

/** How many machines may vanish, whichever they are, until one layout of a block is of no use. */
export function survivalBy({ k, n, homes }: Spread): number {
  const members = new Map(
    [...homes].map(([machine, indexes]) => [machine as unknown as Holder, indexes]),
  )
  return survivalOf({ k, n }, members)
}

/** The layouts of a block that anybody has. */
export async function layoutsOf(
  machines: readonly Machine[],
  block: Address,
): Promise<(Layout & { id: string })[]> {
  const found = new Map<string, Layout & { id: string }>()
  for (const { disk } of machines) {
    for (const name of await disk.kept.shardsOf(block)) {
      const layout = await disk.kept.layoutOf(name)
      if (layout) found.set(name.layout, { ...layout, id: name.layout })
    }
  }
  return [...found.values()]
}
