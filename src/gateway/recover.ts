import { DreyError } from '../base/error.ts'
import type { OwnCatalog } from '../node/ownCatalog.ts'
import type { MembersCatalog } from '../names/catalogs.ts'
import { jsonReply, type DoorReply, type PartDoor } from './door.ts'
import { lines } from './lines.ts'

/** A member's catalog, as `GET /catalogs` lists it. */
export interface CatalogView {
  readonly member: string
  readonly name: string
  /** This node, or a member that is here, away, or no member any more. */
  readonly state: 'this' | 'live' | 'away' | 'gone'
  readonly entries: number
  readonly bytes: number
  /** When it was told; milliseconds since 1970. */
  readonly at: number
}

/** How `POST /recover/MEMBER` ends. */
export interface RecoverReply {
  readonly member: string
  /** Puts and keeps that the catalog lists; one blob may be there several times. */
  readonly entries: number
  /** Those of them that were not in this node's list. */
  readonly fresh: number
}

export interface RecoverParts {
  readonly catalogs: { all(): MembersCatalog[] }
  readonly own: Pick<OwnCatalog, 'takeOver'>
  readonly about: (member: string) => Pick<CatalogView, 'name' | 'state'>
}

/** `GET /catalogs` says what members have stored as far as they told; `POST /recover/MEMBER` takes one over. */
export function recoverDoor(parts: RecoverParts | undefined): PartDoor {
  return ({ path, method, signal }) => {
    if (path === '/catalogs' && method === 'GET') return list(needed(parts))
    const member = /^\/recover\/([^/]+)$/.exec(path)?.[1]
    if (member === undefined || method !== 'POST') return undefined
    const { own } = needed(parts)
    return lines<number, RecoverReply>(async (report) => {
      const { count, fresh } = await own.takeOver(member, { signal, report })
      return { member, entries: count, fresh }
    })
  }
}

async function list({ catalogs, about }: RecoverParts): Promise<DoorReply> {
  const views = catalogs.all().map(({ member, count, size, at }): CatalogView => {
    return { member, ...about(member), entries: count, bytes: size, at }
  })
  return jsonReply({ catalogs: views })
}

function needed(parts: RecoverParts | undefined): RecoverParts {
  if (parts !== undefined) return parts
  const why =
    'this node has not the read secret, and so no catalogs: ask at one whose role is reader'
  throw new DreyError('no-read-secret', why)
}
