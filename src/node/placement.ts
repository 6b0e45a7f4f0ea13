import { blake3 } from '../address/blake3.ts'
import type { Address } from '../address/address.ts'
import { asBuffer, concat } from '../base/bytes.ts'
import type { Member } from './member.ts'

const capacityUnit = 2 ** 30 // Weights in GiB, so that small differences do not move shards.

/**
 * The order in which members should hold the shards of a block: weighted rendezvous hashing (Thaler and
 * Ravishankar 1998, weights as in Schindelhauer and Schomaker 2005). Everyone who knows the same members
 * computes the same order, and when a member comes or goes, the others keep their order.
 */
export function placementOrder<M extends Pick<Member, 'id' | 'capacity'>>(
  address: Address,
  members: readonly M[],
): M[] {
  return members
    .map((member) => ({ member, score: scoreOf(address, member) }))
    .sort((a, b) => b.score - a.score || (a.member.id < b.member.id ? -1 : 1))
    .map(({ member }) => member)
}

/**
 * −weight / ln(u), where u is the first 52 bits of BLAKE3(address bytes, member id) and a half: a double
 * holds that exactly, so u is never 0 or 1.
 */
function scoreOf(address: Address, member: Pick<Member, 'id' | 'capacity'>): number {
  const digest = asBuffer(blake3.hash(concat([address.bytes, Buffer.from(member.id)])))
  const u = (digest.readUInt32BE(0) * 2 ** 20 + (digest.readUInt32BE(4) >>> 12) + 0.5) / 2 ** 52
  const weight = Math.max(1, Math.round(member.capacity / capacityUnit))
  return -weight / Math.log(u)
}
