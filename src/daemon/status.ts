import { systemClock } from '../base/clock.ts'
import { formatCode } from '../coding/code.ts'
import type { Membership } from '../discovery/membership.ts'
import type { Reach } from '../discovery/reach.ts'
import type { NodeStatus, Reachability } from '../gateway/status.ts'
import type { Collector } from '../mend/collect.ts'
import type { Mender } from '../mend/mender.ts'
import type { Scrubber } from '../mend/scrub.ts'
import type { Orchestrator } from '../node/orchestrator.ts'
import type { Store, StoreUsage } from '../store/store.ts'

export interface StatusParts {
  readonly store: Store
  readonly membership: Membership
  readonly reach: Reach
  readonly mender?: Mender
  readonly scrubber: Scrubber
  readonly collector: Collector
}

const countingMs = 2_000 // People wait for an answer; a million files take a minute.
const notCounted = { shards: null, bytes: null, free: null }

export async function statusOf(node: Orchestrator, parts: StatusParts): Promise<NodeStatus> {
  const { shards, bytes, free } = (await usageSoon(parts.store)) ?? notCounted
  const { id, name, role, zone, address } = node.self()
  return {
    ...{ id, name, role, zone, address, shards, bytes, free },
    code: formatCode(node.code()),
    mend: parts.mender?.progress,
    scrub: parts.scrubber.progress,
    garbage: parts.collector.removed,
    partners: node.activity.partners,
    reach: reachabilityOf(parts),
    members: node.members(),
  }
}

function reachabilityOf({ membership, reach }: StatusParts): Reachability {
  const names = new Map(membership.others().map(({ record }) => [record.id, record.name]))
  const nameOf = (id: string) => names.get(id) ?? id
  return {
    addresses: membership.own.addresses,
    trials: reach.trials.map((trial) => ({ ...trial, by: nameOf(trial.by) })),
    relays: membership.own.relays.map(nameOf),
  }
}

/** What is kept, unless counting it takes too long. */
export async function usageSoon(store: Store): Promise<StoreUsage | undefined> {
  const late = new AbortController()
  const counting = systemClock.sleep(countingMs, late.signal).catch(() => {}) // It was in time.
  const usage = await Promise.race([store.usage(), counting])
  late.abort()
  return usage ?? undefined
}
