import type { PeerId, Role } from '../transport/transporter.ts'
import { jsonReply, type PartDoor } from './door.ts'

/** A member, in `GET /members`. */
export interface MemberView {
  /** Its peer id, for ever. */
  readonly id: PeerId
  /** What people call it. */
  readonly name: string
  /** What it may do. */
  readonly role: Role
  /** House, rack or site; empty when it has none. */
  readonly zone: string
  /** `this` is the node that is asked. */
  readonly state: 'this' | 'live' | 'suspect' | 'away' | 'leaving' | 'left'
  /** Where it says that it is dialed, "host:port". */
  readonly addresses: readonly string[]
  /** How it is connected now: an address, `relay:ID`, or nothing. */
  readonly connected: string | null
  /** Bytes that it offers to the swarm. */
  readonly capacity: number
  /** Bytes for which it still had room when it last said so. */
  readonly free: number
  /** When it was last heard, as ISO 8601; nothing when it never was. */
  readonly heardAt: string | null
}

/** What a node can do with members. */
export interface MembersParts {
  readonly list: () => MemberView[]
  /** Resolves when the statement is on this disk, and peers are being told. */
  readonly evict: (who: string) => Promise<MemberView>
}

/** The swarm's members over HTTP: `GET /members`, `DELETE /members/WHO`. */
export function membersDoor({ list, evict }: MembersParts): PartDoor {
  return ({ method, path }) => {
    if (path === '/members' && method === 'GET') return Promise.resolve(jsonReply(list()))
    const who = /^\/members\/([^/]+)$/.exec(path)?.[1]
    if (who === undefined || method !== 'DELETE') return undefined
    return evict(who).then((evicted) => jsonReply(evicted))
  }
}
