import { ask, readReply } from '../gateway/ask.ts'
import type { Door } from '../gateway/door.ts'
import type { ListReply } from '../gateway/leases.ts'
import type { MemberView } from '../gateway/members.ts'
import type { NodeStatus } from '../gateway/status.ts'

/** What a node says of itself, for those who watch it. */
export interface Facts {
  readonly status: NodeStatus
  readonly members: readonly MemberView[]
  /** Blobs that this node has stored or keeps. */
  readonly kept: number
}

export async function factsOf(inner: Door, signal: AbortSignal): Promise<Facts> {
  const read = async <T>(path: string, query = new URLSearchParams()) =>
    readReply<T>(await ask(inner, 'GET', path, { query, signal }))
  const [status, members, list] = await Promise.all([
    read<NodeStatus>('/status'),
    read<MemberView[]>('/members'),
    read<ListReply>('/list', new URLSearchParams({ limit: '1' })),
  ])
  return { status, members, kept: list.total }
}
