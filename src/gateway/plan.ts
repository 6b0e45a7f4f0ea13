import { DreyError } from '../base/error.ts'
import { parseCode } from '../coding/code.ts'
import type { Change, Plan } from '../mend/plan.ts'
import { jsonReply, type PartDoor } from './door.ts'

/** What `GET /plan` answers. */
export interface PlanReply extends Omit<Plan, 'moves'> {
  /** Bytes from one member to another, by their names, the most first. */
  readonly moves: readonly { readonly from: string; readonly to: string; readonly bytes: number }[]
  readonly movedBytes: number
  /** What the member that moves most has to move, and how long that takes at its rate. */
  readonly takesMs: number
  readonly bytesPerSecond: number
  /** Members that did not say. */
  readonly silent: number
}

/** Plans a change; members are given by name or id, a capacity is this node's own. */
export type PlanChange = (
  change: Omit<Change, 'capacities'> & { readonly capacity?: number },
  signal: AbortSignal,
) => Promise<PlanReply>

/** `GET /plan?without=…&sudden&capacity=…&code=…`: what a change would take. */
export function planDoor(plan: PlanChange): PartDoor {
  return ({ path, method, query, signal }) => {
    if (path !== '/plan' || method !== 'GET') return undefined
    return asked(query, (change) => plan(change, signal)).then((reply) => jsonReply(reply))
  }
}

async function asked(
  query: URLSearchParams,
  plan: (change: Parameters<PlanChange>[0]) => Promise<PlanReply>,
): Promise<PlanReply> {
  const [capacity, code] = [query.get('capacity'), query.get('code')]
  if (capacity !== null && !/^\d{1,15}$/.test(capacity)) {
    throw new DreyError('bad-input', `not a number of bytes: "${capacity}"`)
  }
  return plan({
    without: query.getAll('without'),
    isSudden: query.has('sudden'),
    capacity: capacity === null ? undefined : Number(capacity),
    code: code === null ? undefined : parseCode(code),
  })
}
