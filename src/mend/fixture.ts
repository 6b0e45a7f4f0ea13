import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import type { Code } from '../coding/code.ts'
import type { Neighbour } from '../node/neighbourhood.ts'
import { InlineCrew } from '../pipe/crew.ts'
import type { MendLimits } from './limits.ts'
import { Mender } from './mender.ts'

const soon: MendLimits = {
  tickMs: 5,
  settleMs: 20,
  passMs: 300,
  againMs: 10,
  retryMs: 50,
  safeMs: 50,
  returnMs: 100,
  goneMs: 60_000,
}
export const membership = { heartbeatMs: 50, awayMs: 60 }
const waitMs = 20_000

/** Menders for all of these; a test has nothing to do but wait. */
export function mend(
  peers: readonly Neighbour[],
  options: { code?: Code } & Partial<MendLimits> = {},
) {
  const stack = new AsyncDisposableStack()
  const { code, ...limits } = options
  const menders = peers.map(({ node, membership: known, store, leases, pool }) =>
    stack.use(
      new Mender(
        {
          ...{ node, membership: known, store, leases, pool },
          ...{ crew: new InlineCrew(pool), clock: systemClock, log: silentLog },
        },
        { bytesPerSecond: 2 ** 30, code, limits: { ...soon, ...limits } },
      ),
    ),
  )
  return { menders, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

export type Work = ReturnType<typeof mend>

export async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + waitMs
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`)
    await systemClock.sleep(10)
  }
}

/** Whether all have looked, and found no block below what it should survive. */
export function isWell({ menders }: Work, code: string): boolean {
  return menders.every(({ progress: { census, passedAt, waiting, code: aim } }) => {
    return aim === code && passedAt !== undefined && waiting + census.below + census.lost === 0
  })
}
