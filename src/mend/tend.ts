import { free } from '../base/bytes.ts'
import { isDreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Surveyed } from '../node/holder.ts'
import { handOver, type Refusals } from '../node/handOver.ts'
import type { Keeping } from '../node/keeping.ts'
import type { Move, Verdict } from './assess.ts'
import { MeteredHolder, type Budget } from './budget.ts'
import type { Sighting } from './survey.ts'

export interface TendParts {
  readonly budget: Budget
  readonly refusals: Refusals
  readonly keeping: Keeping
  readonly log: Log
  readonly signal: AbortSignal
}

export interface Tended {
  readonly handedOver: number
  readonly removed: number
  readonly failed: number
}

/**
 * Does with this node's own shards of one block what a verdict says: hands over those that another member
 * should have, and removes those that are of no use any more. What is handed over stays here until a
 * later look has found it where it belongs.
 */
export async function tend(
  sighting: Sighting,
  verdict: Pick<Verdict, 'misplaced' | 'surplus'>,
  parts: TendParts,
): Promise<Tended> {
  const tended = { handedOver: 0, removed: 0, failed: 0 }
  for (const move of verdict.misplaced) {
    const outcome = await passOn(sighting, move, parts)
    if (outcome === 'sent') tended.handedOver += 1
    if (outcome === 'refused') tended.failed += 1
  }
  const { block, self, leases } = sighting
  const { surplus } = verdict
  if (surplus.length === 0) return tended
  const removed = await parts.keeping.remove(block, surplus, { leases: leases.get(self)! })
  return { ...tended, removed }
}

async function passOn(
  { block, order }: Sighting,
  { layout, index, to }: Move,
  { keeping, budget, refusals, log, signal }: TendParts,
): Promise<'sent' | 'there' | 'refused' | 'gone'> {
  const leases = keeping.book.carried(block)
  if (leases === undefined) return 'gone'
  const shard = await keeping.store.get({ block, layout, index }, { signal })
  if (shard === undefined) return 'gone'
  const metered = (holder: Surveyed) => new MeteredHolder(holder.quietly(), budget)
  try {
    const others = order.filter((holder) => to.includes(holder)).map(metered)
    const how = await handOver(shard, others, { refusals, leases, log, signal })
    return how === 'there' ? 'there' : 'sent'
  } catch (error) {
    signal.throwIfAborted()
    if (!isDreyError(error)) throw error
    log.debug(`a shard stays where it is: ${messageOf(error)}`, { block: String(block) })
    return 'refused'
  } finally {
    free(shard.bytes)
  }
}
