import { systemClock } from '../base/clock.ts'
import { formatCode } from '../coding/code.ts'
import type { Membership } from '../discovery/membership.ts'
import type { Reach } from '../discovery/reach.ts'
import { jsonReply, type PartDoor } from '../gateway/door.ts'
import type { Collector, Garbage } from '../mend/collect.ts'
import type { Mender } from '../mend/mender.ts'
import type { MendProgress } from '../mend/progress.ts'
import type { Scrubber } from '../mend/scrub.ts'
import type { ScrubProgress } from '../mend/scrubState.ts'
import type { Orchestrator } from '../node/orchestrator.ts'
import type { Store, StoreUsage } from '../store/store.ts'
import type { PeerId, Role } from '../transport/transporter.ts'

/** What `GET /status` answers. */
export interface NodeStatus {
  readonly id: PeerId
  readonly name: string
  readonly role: Role
  readonly zone: string
  readonly address: string
  readonly code: string
  /** What it keeps; null while a large store is still being counted after a start. */
  readonly shards: number | null
  readonly bytes: number | null
  readonly free: number | null
  /** What looking after blocks has come to; absent where a command opened the node for itself alone. */
  readonly mend?: MendProgress
  /** How far reading everything is, and what it found. */
  readonly scrub: ScrubProgress
  /** What nobody wanted any more, and was removed since the node started. */
  readonly garbage: Garbage
  /** How others reach it. */
  readonly reach: Reachability
  /** Those that can be asked now. */
  readonly members: readonly {
    readonly id: PeerId
    readonly name: string
    readonly role: Role
    readonly zone: string
    readonly address: string
    readonly capacity: number
    readonly free: number
  }[]
}

export interface Reachability {
  /** What it tells others to dial. */
  readonly addresses: readonly string[]
  /** Members that dialed it back, at which address, and why they failed if they did. */
  readonly trials: readonly {
    readonly by: string
    readonly address: string
    readonly why?: string
  }[]
  /** Names of the members over which it is reached when it cannot be dialed. */
  readonly relays: readonly string[]
}

export interface StatusParts {
  readonly store: Store
  readonly membership: Membership
  readonly reach: Reach
  readonly mender?: Mender
  readonly scrubber: Scrubber
  readonly collector: Collector
}

/** `GET /status`. */
export function statusDoor(status: () => Promise<NodeStatus>): PartDoor {
  return ({ method, path }) =>
    path === '/status' && method === 'GET' ? status().then((value) => jsonReply(value)) : undefined
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

async function usageSoon(store: Store): Promise<StoreUsage | undefined> {
  const late = new AbortController()
  const counting = systemClock.sleep(countingMs, late.signal).catch(() => {}) // It was in time.
  const usage = await Promise.race([store.usage(), counting])
  late.abort()
  return usage ?? undefined
}
