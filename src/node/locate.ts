import type { Address } from '../address/address.ts'
import { timeLimit, type Clock } from '../base/clock.ts'
import { messageOf } from '../base/error.ts'
import type { Circle } from './circle.ts'
import type { Held, Holder } from './holder.ts'
import type { Limits } from './limits.ts'

/** The ways in which holders are found, in the order in which they are tried. */
export type Layer = 'placement' | 'broadcast' | 'dht'

/** What a member answered. */
export interface Reply {
  /** The member's peer id. */
  readonly id: string
  /** What people call it. */
  readonly name: string
  /** What it has of the block. */
  readonly shards: readonly Held[]
  /** Milliseconds until it had answered. */
  readonly tookMs: number
  /** Why it did not answer. */
  readonly why?: string
}

/** What one way has led to. */
export interface Found {
  /** Which way it was. */
  readonly layer: Layer
  /** Milliseconds until all had answered. */
  readonly tookMs: number
  /** Of everyone who was not asked before. */
  readonly replies: readonly Reply[]
}

export interface LocateParts {
  readonly circle: Circle
  /** How many of those computed should hold a shard. */
  readonly likely: number
  readonly clock: Clock
  readonly limits: Limits
}

/** Asks who holds what of a block, one way after the other, and nobody twice. */
export async function locate(
  block: Address,
  { circle, likely, clock, limits }: LocateParts,
  signal: AbortSignal,
): Promise<Found[]> {
  const asked = new Set<string>()
  const askAll = async (layer: Layer, find: () => Promise<Holder[]>): Promise<Found> => {
    const started = clock.now()
    const holders = (await find()).filter(({ member }) => !asked.has(member.id))
    for (const { member } of holders) asked.add(member.id)
    const replies = await Promise.all(
      holders.map((holder) => ask(block, holder, clock, limits, signal)),
    )
    return { layer, tookMs: clock.now() - started, replies }
  }
  return [
    await askAll('placement', async () => (await circle.order(block, signal)).slice(0, likely)),
    await askAll('broadcast', async () => circle.live()),
    await askAll('dht', () => circle.follow(block, signal)),
  ]
}

async function ask(
  block: Address,
  holder: Holder,
  clock: Clock,
  limits: Limits,
  signal: AbortSignal,
): Promise<Reply> {
  const started = clock.now()
  const { id, name } = holder.member
  using soon = timeLimit(clock, limits.answerMs, signal)
  try {
    const shards = await holder.have(block, soon.signal)
    return { id, name, shards, tookMs: clock.now() - started }
  } catch (error) {
    signal.throwIfAborted()
    return { id, name, shards: [], tookMs: clock.now() - started, why: messageOf(error) }
  }
}
