import { formatAddress, parseAddress, type Address } from '../address/address.ts'
import { DreyError } from '../base/error.ts'
import type { KeepOptions } from '../mend/keepBlob.ts'
import type { Leases } from '../lease/leases.ts'
import type { Leasing } from '../node/leasing.ts'
import { jsonReply, type DoorReply, type PartDoor } from './door.ts'
import { lines } from './lines.ts'

/** What `DELETE /blob/ADDRESS` answers. */
export interface RemoveReply {
  readonly address: string
  /** Leases of this node that have ended. */
  readonly leases: number
  /** Members that have heard it; the others will. */
  readonly told: readonly string[]
}

/** How `POST /keep/ADDRESS` ends. */
export interface KeepReply {
  readonly address: string
  readonly blocks: number
}

export interface LeaseParts {
  readonly leasing: Pick<Leasing, 'end'>
  readonly own: Pick<Leases['own'], 'of'>
  readonly keep: (root: Address, options: KeepOptions) => Promise<{ blocks: number }>
}

/** `DELETE /blob/ADDRESS` ends this node's leases for a blob; `POST /keep/ADDRESS` makes one; lines meanwhile. */
export function leasesDoor(parts: LeaseParts): PartDoor {
  return ({ path, method, query, signal }) => {
    const removed = /^\/blob\/([^/]+)$/.exec(path)?.[1]
    if (removed !== undefined && method === 'DELETE') return remove(removed, parts, signal)
    const kept = /^\/keep\/([^/]+)$/.exec(path)?.[1]
    if (kept === undefined || method !== 'POST') return undefined
    const root = parseAddress(kept)
    const options = { forMs: parseLeaseTime(query), signal }
    return lines<number, KeepReply>(async (report) => {
      const { blocks } = await parts.keep(root, { ...options, report })
      return { address: formatAddress(root), blocks }
    })
  }
}

/** How long a lease is to hold: `?lease=MS`; for ever without. Throws 'bad-input'. */
export function parseLeaseTime(query: URLSearchParams): number | undefined {
  const text = query.get('lease')
  if (text === null) return undefined
  const ms = Number(text)
  if (Number.isSafeInteger(ms) && ms > 0) return ms
  throw new DreyError('bad-input', `not a number of milliseconds: "${text}"`)
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
