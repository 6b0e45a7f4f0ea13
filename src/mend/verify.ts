import type { Address } from '../address/address.ts'
import { isDreyError } from '../base/error.ts'
import { shardBytesOf } from '../coding/code.ts'
import { isShard, layoutId } from '../coding/layout.ts'
import type { Held, Surveyed } from '../node/holder.ts'
import type { Sighting } from './survey.ts'

/** A shard that a member says it has, and does not give as its layout promises. */
export interface BadShard {
  /** The member's name. */
  readonly member: string
  /** The address of its block. */
  readonly block: string
  /** Which of the block's shards it is, from 0 on. */
  readonly index: number
  /** It was not given, or its bytes are not what the layout promises. */
  readonly what: 'missing' | 'wrong'
}

/** Fetches every shard of a block from whoever says to have it; what remains of the sighting is true. */
export async function verify(
  sighting: Sighting,
  signal: AbortSignal,
): Promise<{ sighting: Sighting; bad: BadShard[] }> {
  const bad: BadShard[] = []
  const good = new Map<Surveyed, readonly Held[]>()
  const check = async ([holder, held]: [Surveyed, readonly Held[]]): Promise<void> => {
    const verified: Held[] = []
    for (const one of held) {
      const what = await fetched(sighting, holder, held, one, signal)
      if (what === 'right') verified.push(one)
      else
        bad.push({ member: holder.member.name, ...blockOf(sighting.block), index: one.index, what })
    }
    if (verified.length > 0) good.set(holder, verified)
  }
  await Promise.all([...sighting.held].map(check))
  return { sighting: { ...sighting, held: good }, bad }
}

function blockOf(block: Address): { block: string } {
  return { block: String(block) }
}

/** One shard after the other from each holder: others are told that all but this one are there already. */
async function fetched(
  { block, layouts }: Sighting,
  holder: Surveyed,
  held: readonly Held[],
  { layout: id, index }: Held,
  signal: AbortSignal,
): Promise<'right' | 'missing' | 'wrong'> {
  const layout = layouts.get(id)
  if (layout === undefined) return 'missing'
  const bytes = new Uint8Array(shardBytesOf(layout, layout.size))
  const without = held.filter((one) => one.layout === id && one.index !== index)
  const wanted = { layout: id, without: without.map((one) => one.index) }
  try {
    const answer = await holder.quietly().fetch(block, wanted, () => bytes, signal)
    const came = answer.fetched
    if (came === undefined || layoutId(came.layout) !== id || came.index !== index) return 'missing'
    return isShard(layout, index, bytes) ? 'right' : 'wrong'
  } catch (error) {
    signal.throwIfAborted()
    if (isDreyError(error)) return 'missing' // Gone, or too slow: it cannot be counted on.
    throw error
  }
}
