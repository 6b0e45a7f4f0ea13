import type { Address } from '../address/address.ts'
import { blake3 } from '../address/blake3.ts'
import { asBuffer } from '../base/bytes.ts'
import type { Holder } from './holder.ts'

/** What placement knows of a member. */
export interface Place {
  readonly id: string
  /** Bytes it offers: its weight. */
  readonly capacity: number
  /** What may be lost at once: a house, a rack. Empty, or absent: a zone of its own. */
  readonly zone?: string
}

const capacityUnit = 2 ** 20 // Weights in MiB: finer than any difference that people would see.

/**
 * The order in which members should hold the shards of a block. Everyone who knows the same members
 * computes the same one, in whatever order it knows them.
 * - Weighted rendezvous hashing (Thaler and Ravishankar 1998, weights as in Schindelhauer and Schomaker
 *   2005): a member is first as often as its share of all capacity, and when one comes or goes, the
 *   others keep their order.
 * - Zones go in rounds: first the best member of each zone, then the second best of each, and so on. So
 *   however many shards there are, no zone has two more of them than another that has members left.
 */
export function placementOrder<M extends Place>(address: Address, members: readonly M[]): M[] {
  const rounds: M[][] = []
  const taken = new Map<string, number>()
  for (const member of rendezvousOrder(address, members)) {
    const round = (member.zone && taken.get(member.zone)) || 0
    if (member.zone) taken.set(member.zone, round + 1)
    const others = (rounds[round] ??= [])
    others.push(member)
  }
  return rounds.flat()
}

/**
 * Who should take one more shard of a block, when some are placed already, members have refused, or there
 * are fewer members than shards. Of these members those that have the fewest shards; of those the ones
 * whose zone has the fewest; of those the first in order. `homes` says who has which shards, also of
 * members that take no more.
 */
export function nextHome(
  order: readonly Holder[],
  homes: ReadonlyMap<Holder, ReadonlySet<number>>,
): Holder | undefined {
  const zoneOf = ({ member }: Holder) => member.zone || member.id
  const inZone = new Map<string, number>()
  for (const [holder, { size }] of homes) {
    inZone.set(zoneOf(holder), (inZone.get(zoneOf(holder)) ?? 0) + size)
  }
  let best: { holder: Holder; load: number; zoneLoad: number } | undefined
  for (const holder of order) {
    const load = homes.get(holder)?.size ?? 0
    const zoneLoad = inZone.get(zoneOf(holder)) ?? 0
    const isBetter = !best || load < best.load || (load === best.load && zoneLoad < best.zoneLoad)
    if (isBetter) best = { holder, load, zoneLoad }
    if (zoneLoad === 0) break // Nobody is better.
  }
  return best?.holder
}

function rendezvousOrder<M extends Place>(address: Address, members: readonly M[]): M[] {
  return members
    .map((member) => ({ member, score: scoreOf(address, member) }))
    .sort((a, b) => b.score - a.score || (a.member.id < b.member.id ? -1 : 1))
    .map(({ member }) => member)
}

/**
 * −weight / ln(u), where u is the first 52 bits of BLAKE3(address bytes, member id) and a half: a double
 * holds that exactly, so u is never 0 or 1.
 */
function scoreOf(address: Address, { id, capacity }: Place): number {
  const digest = asBuffer(blake3.hash(Buffer.concat([address.bytes, Buffer.from(id)])))
  const u = (digest.readUInt32BE(0) * 2 ** 20 + (digest.readUInt32BE(4) >>> 12) + 0.5) / 2 ** 52
  const weight = Math.max(1, Math.round(capacity / capacityUnit))
  return -weight / Math.log(u)
}
