import { formatCode } from '../coding/code.ts'
import { jsonReply, type PartDoor } from '../gateway/door.ts'
import type { Orchestrator } from '../node/orchestrator.ts'
import type { Store } from '../store/store.ts'
import type { PeerId, Role } from '../transport/transporter.ts'

/** What `GET /status` answers. */
export interface NodeStatus {
  readonly id: PeerId
  readonly name: string
  readonly role: Role
  readonly zone: string
  readonly address: string
  readonly code: string
  readonly shards: number
  readonly bytes: number
  readonly free: number
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

/** `GET /status`. */
export function statusDoor(status: () => Promise<NodeStatus>): PartDoor {
  return ({ method, path }) =>
    path === '/status' && method === 'GET' ? status().then((value) => jsonReply(value)) : undefined
}

export async function statusOf(node: Orchestrator, store: Store): Promise<NodeStatus> {
  const { shards, bytes, free } = await store.usage()
  const { id, name, role, zone, address } = node.self()
  const code = formatCode(node.code())
  return { id, name, role, zone, address, code, shards, bytes, free, members: node.members() }
}
