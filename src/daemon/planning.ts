import type { Membership } from '../discovery/membership.ts'
import type { PlanChange } from '../gateway/plan.ts'
import type { Plan } from '../mend/plan.ts'
import { planAll, type PlanParts } from '../mend/planning.ts'
import { listOf, memberCalled } from './members.ts'

/** Plans changes that people name. */
export function planner(
  parts: PlanParts,
  { membership, bytesPerSecond }: { membership: Membership; bytesPerSecond: number },
): PlanChange {
  return async ({ without, isSudden, capacity, code }, signal) => {
    const members = listOf(membership)
    const gone = without.map((who) => memberCalled(who, members).id)
    const capacities = capacity === undefined ? {} : { [membership.own.id]: capacity }
    const peers = membership.others().flatMap(({ peer }) => (peer ? [peer] : []))
    const change = { without: gone, isSudden, capacities, code }
    const { plan, silent } = await planAll(change, peers, parts, signal)
    const { moves, ...rest } = plan
    const names = new Map(members.map(({ id, name }) => [id, name]))
    const nameOf = (id: string) => names.get(id) ?? id
    const most = Math.max(0, ...sentBy(moves).values())
    return {
      ...rest,
      silent,
      bytesPerSecond,
      moves: summed(moves)
        .map(([from, to, bytes]) => ({ from: nameOf(from), to: nameOf(to), bytes }))
        .sort((a, b) => b.bytes - a.bytes),
      movedBytes: moves.reduce((sum, [, , bytes]) => sum + bytes, 0),
      takesMs: Math.ceil((most / bytesPerSecond) * 1000),
    }
  }
}

/** Several members plan moves between the same two. */
function summed(moves: Plan['moves']): Plan['moves'] {
  const sums = new Map<string, Plan['moves'][number]>()
  for (const [from, to, bytes] of moves) {
    const key = `${from} ${to}`
    sums.set(key, [from, to, bytes + (sums.get(key)?.[2] ?? 0)])
  }
  return [...sums.values()]
}

function sentBy(moves: Plan['moves']): Map<string, number> {
  const sums = new Map<string, number>()
  for (const [from, , bytes] of moves) sums.set(from, (sums.get(from) ?? 0) + bytes)
  return sums
}
