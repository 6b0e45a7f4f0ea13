import { formatAddress, type Address } from '../address/address.ts'
import type { Layout } from '../coding/layout.ts'
import type { Lease } from '../lease/lease.ts'
import type { Circle } from '../node/circle.ts'
import type { Held, Inventory, Surveyed } from '../node/holder.ts'
import { surveyMax } from '../node/protocol.ts'
import type { Evidence } from './assess.ts'

const askedFirst = 32 // In a larger swarm those first in the order are asked; everyone, when that is not enough.
const layoutsMax = 8 // Of one block: whoever shows more makes them up.

/** What was learnt of one block. */
export interface Sighting extends Evidence {
  readonly block: Address
  readonly self: Surveyed
  readonly order: readonly Surveyed[]
  readonly held: ReadonlyMap<Surveyed, readonly Held[]>
  /** In short, which leases cover it at each of them. */
  readonly leases: ReadonlyMap<Surveyed, number>
  /** Some who could have a shard did not answer: what is missing may be there. */
  readonly isPartial: boolean
  /** Members that were not asked, of those that could be. */
  readonly isNarrow: boolean
}

export interface LookOptions {
  readonly signal: AbortSignal
  /** Everyone is asked, in a large swarm too. */
  readonly isWide?: boolean
  /** Cover the blocks from then on, wherever there are shards of them. */
  readonly leases?: readonly Lease[]
}

/** Finds out who has what of many blocks: one question to each member for all of them. */
export class Survey {
  readonly #circle: Circle

  constructor(circle: Circle) {
    this.#circle = circle
  }

  async look(
    blocks: readonly Address[],
    { signal, isWide = false, leases }: LookOptions,
  ): Promise<Sighting[]> {
    const live = this.#circle.live()
    const self = live[0]!
    const plans = await Promise.all(
      blocks.map(async (block) => {
        const order = await this.#circle.order(block, signal)
        const all = [...new Set([self, ...order, ...live])]
        const asked = isWide ? all : all.slice(0, askedFirst)
        return { block, order, asked, isNarrow: asked.length < all.length }
      }),
    )
    const answers = await ask(plans, { signal, leases })
    const sight = async (plan: (typeof plans)[number]): Promise<Sighting> => {
      const answer = answers.get(formatAddress(plan.block))!
      const layouts = await layoutsOf(plan.block, self, answer.held, signal)
      return { ...plan, ...answer, self, layouts }
    }
    return Promise.all(plans.map(sight))
  }
}

interface Answers {
  readonly held: Map<Surveyed, readonly Held[]>
  readonly leases: Map<Surveyed, number>
  isPartial: boolean
}

function nothingKnown(): Answers {
  return { held: new Map(), leases: new Map(), isPartial: false }
}

async function ask(
  plans: readonly { block: Address; asked: readonly Surveyed[] }[],
  options: LookOptions,
): Promise<Map<string, Answers>> {
  const answers = new Map<string, Answers>(
    plans.map(({ block }) => [formatAddress(block), nothingKnown()]),
  )
  const askOne = async (holder: Surveyed): Promise<void> => {
    const blocks = plans.filter(({ asked }) => asked.includes(holder)).map(({ block }) => block)
    const all = await surveyed(holder, blocks, options)
    for (const [at, block] of blocks.entries()) {
      const answer = answers.get(formatAddress(block))!
      const inventory = all?.[at]
      if (inventory === undefined) answer.isPartial = true
      else if (inventory.held.length > 0) {
        answer.held.set(holder, inventory.held)
        answer.leases.set(holder, inventory.leases)
      }
    }
  }
  await Promise.all([...new Set(plans.flatMap(({ asked }) => asked))].map(askOne))
  return answers
}

/** `undefined` when it does not answer: it is going, or busy; or it is this node, and its disk fails. */
async function surveyed(
  holder: Surveyed,
  blocks: readonly Address[],
  { signal, leases }: LookOptions,
): Promise<Inventory[] | undefined> {
  const all: Inventory[] = []
  try {
    for (let at = 0; at < blocks.length; at += surveyMax) {
      all.push(...(await holder.survey(blocks.slice(at, at + surveyMax), signal, leases)))
    }
    return all
  } catch {
    signal.throwIfAborted()
    return undefined // Weather, or this node's own disk: what it may have is counted as not known.
  }
}

/** Each layout that somebody has a shard of, from whoever shows it. */
async function layoutsOf(
  block: Address,
  self: Surveyed,
  held: ReadonlyMap<Surveyed, readonly Held[]>,
  signal: AbortSignal,
): Promise<Map<string, Layout>> {
  const sources = new Map<string, Surveyed[]>()
  for (const [holder, shards] of held) {
    for (const id of new Set(shards.map(({ layout }) => layout))) {
      const others = sources.get(id) ?? []
      sources.set(id, holder === self ? [self, ...others] : [...others, holder])
    }
  }
  const layouts = new Map<string, Layout>()
  const likeliest = [...sources].sort(([, a], [, b]) => b.length - a.length).slice(0, layoutsMax)
  for (const [id, holders] of likeliest) {
    for (const holder of holders) {
      const layout = await shown(holder, block, id, signal)
      if (layout === undefined) continue
      layouts.set(id, layout)
      break
    }
  }
  return layouts
}

async function shown(
  holder: Surveyed,
  block: Address,
  id: string,
  signal: AbortSignal,
): Promise<Layout | undefined> {
  try {
    return await holder.layoutOf(block, id, signal)
  } catch {
    signal.throwIfAborted()
    return undefined // The next one may show it.
  }
}
