import type { Door } from '../gateway/door.ts'
import { jsonReply } from '../gateway/door.ts'
import { factsOf, type Facts } from './facts.ts'
import type { Route } from './route.ts'

/** What `GET /health` answers: with 200 when there is no reason, with 503 when somebody should look. */
export interface HealthReply {
  readonly healthy: boolean
  readonly why: readonly Reason[]
}

export interface Reason {
  /** - `failing`: the node does not know how it is
   * - `alone`: it is connected to no other member, though there are some
   * - `full`: it takes no more shards
   * - `lost`: too few shards of some blocks are left
   * - `unreadable`: its disk does not give back all that it should */
  readonly code: 'failing' | 'alone' | 'full' | 'lost' | 'unreadable'
  readonly message: string
}

/** `GET /health`, for what restarts and alarms: it names nobody and counts nothing, so it takes no token. */
export function healthRoutes(inner: Door): Route[] {
  return [
    {
      ...{ method: 'GET', path: '/health', access: 'open' },
      answer: async ({ request }) => {
        const why = await factsOf(inner, request.signal).then(reasonsOf, failing)
        const reply: HealthReply = { healthy: why.length === 0, why }
        return jsonReply(reply, reply.healthy ? 200 : 503)
      },
    },
  ]
}

/** What somebody should look at. */
export function reasonsOf({ status, members }: Facts): Reason[] {
  const others = members.filter(({ state }) => !['this', 'leaving', 'left'].includes(state))
  const own = members.find(({ state }) => state === 'this')
  const reasons: (Reason & { isSo: boolean })[] = [
    {
      isSo: others.length > 0 && status.members.length === 0,
      ...{ code: 'alone', message: 'no other member is connected: see drey status' },
    },
    {
      isSo: status.free === 0 && (own?.capacity ?? 0) > 0,
      ...{
        code: 'full',
        message: 'there is no room for more shards: see drey gc, and its capacity',
      },
    },
    {
      isSo: (status.mend?.census.lost ?? 0) > 0,
      ...{ code: 'lost', message: 'too few shards of some blocks are left: see drey check' },
    },
    {
      isSo: status.scrub.pass.unread > 0,
      ...{ code: 'unreadable', message: 'the disk does not give back all: see drey scrub' },
    },
  ]
  return reasons.filter(({ isSo }) => isSo).map(({ code, message }) => ({ code, message }))
}

function failing(): Reason[] {
  return [{ code: 'failing', message: 'the node does not know how it is: see its log' }]
}
