import { formatAddress, parseAddress, type Address } from '../address/address.ts'
import { DreyError } from '../base/error.ts'
import type { KeepOptions } from '../mend/keepBlob.ts'
import type { Leases } from '../lease/leases.ts'
import { listOrders, type LeaseWish, type ListWish, type OwnBlob } from '../lease/own.ts'
import type { Leasing } from '../node/leasing.ts'
import { jsonReply, keyIn, type DoorReply, type PartDoor } from './door.ts'
import { lines } from './lines.ts'

/** What `DELETE /blob/ADDRESS` answers. */
export interface RemoveReply {
  /** The blob's address. */
  readonly address: string
  /** Leases of this node that have ended. */
  readonly leases: number
  /** Members that have heard it; the others will. */
  readonly told: readonly string[]
}

/** How `POST /keep/ADDRESS` ends. */
export interface KeepReply {
  /** The blob's address. */
  readonly address: string
  /** How many blocks are leased. */
  readonly blocks: number
}

/** What `GET /list` answers. */
export interface ListReply {
  /** In the order that was asked for. */
  readonly blobs: readonly OwnBlob[]
  /** How many there are; `blobs` may be fewer. */
  readonly total: number
}

const nameLengthMax = 4_096
const listMax = 10_000

export interface LeaseParts {
  readonly leasing: Pick<Leasing, 'end'>
  readonly own: Pick<Leases['own'], 'of' | 'list'>
  readonly keep: (root: Address, options: KeepOptions) => Promise<{ blocks: number }>
}

/**
 * `DELETE /blob/ADDRESS` ends this node's leases for a blob; `POST /keep/ADDRESS` makes one, lines meanwhile;
 * `GET /list` says what there are.
 */
export function leasesDoor(parts: LeaseParts): PartDoor {
  return ({ path, method, query, headers, signal }) => {
    if (path === '/list' && method === 'GET') return list(query, parts.own)
    const removed = /^\/blob\/([^/]+)$/.exec(path)?.[1]
    if (removed !== undefined && method === 'DELETE') return remove(removed, parts, signal)
    const kept = /^\/keep\/([^/]+)$/.exec(path)?.[1]
    if (kept === undefined || method !== 'POST') return undefined
    const root = parseAddress(kept)
    const options = { lease: readLeaseWish(query), key: keyIn(headers, kept), signal }
    return lines<number, KeepReply>(async (report) => {
      const { blocks } = await parts.keep(root, { ...options, report })
      return { address: formatAddress(root), blocks }
    })
  }
}

/** How long a lease is to hold, `?lease=MS`, for ever without; and what it covers is called, `?name=`. Throws 'bad-input'. */
export function readLeaseWish(query: URLSearchParams): LeaseWish {
  const name = query.get('name') ?? undefined
  if (name !== undefined && name.length > nameLengthMax) {
    throw new DreyError('bad-input', `a name has at most ${nameLengthMax} characters`)
  }
  const text = query.get('lease')
  if (text === null) return { name }
  const forMs = Number(text)
  if (Number.isSafeInteger(forMs) && forMs > 0) return { forMs, name }
  throw new DreyError('bad-input', `not a number of milliseconds: "${text}"`)
}

/** `GET /list`, with `?search=`, `?sort=` and `?limit=`. */
function list(query: URLSearchParams, own: LeaseParts['own']): Promise<DoorReply> {
  const sort = (query.get('sort') ?? 'time') as ListWish['sort']
  if (!listOrders.includes(sort)) {
    throw new DreyError('bad-input', `not an order: "${sort}"; choose ${listOrders.join(', ')}`)
  }
  const limit = Number(query.get('limit') ?? listMax)
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > listMax) {
    throw new DreyError('bad-input', `"limit" is not a number from 1 to ${listMax}`)
  }
  const reply: ListReply = own.list({ search: query.get('search') ?? undefined, sort, limit })
  return Promise.resolve(jsonReply(reply))
}

async function remove(
  name: string,
  { leasing, own }: LeaseParts,
  signal: AbortSignal,
): Promise<DoorReply> {
  const address = formatAddress(parseAddress(name))
  const leases = own.of(address)
  if (leases.length === 0) {
    throw new DreyError(
      'not-found',
      `this node has no lease on ${address}: it goes when those who have put or kept it remove it`,
    )
  }
  const told = await leasing.end(
    leases.map(({ secret }) => secret),
    signal,
  )
  const reply: RemoveReply = { address, leases: leases.length, told }
  return jsonReply(reply)
}
