import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Outcome } from './story.ts'

/** Which seeds: from the first on, so many, or as many as there is time for. */
export interface Seeds {
  readonly first: number
  readonly count: number
  readonly forMs?: number
}

/** What all seeds came to. */
export interface Sum {
  seeds: number
  operations: number
  failures: number
  lastedMs: number
  readonly faults: Record<string, number>
  readonly failed: Outcome[]
}

const failedMax = 5 // With their logs: more do not help.

/** Tells the stories of many seeds, on all processors. */
export async function tellMany({ first, count, forMs = Infinity }: Seeds): Promise<Sum> {
  const sum: Sum = { seeds: 0, operations: 0, failures: 0, lastedMs: 0, faults: {}, failed: [] }
  const endsAt = performance.now() + forMs
  let next = first
  const isOver = () =>
    next >= first + count || performance.now() > endsAt || sum.failed.length >= failedMax
  const teller = async (): Promise<void> => {
    const worker = new Worker(new URL('./teller.ts', import.meta.url))
    try {
      while (!isOver()) add(sum, await told(worker, next++))
    } finally {
      await worker.terminate()
    }
  }
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, teller))
  return sum
}

async function told(worker: Worker, seed: number): Promise<Outcome> {
  worker.postMessage(seed)
  try {
    const [outcome] = (await once(worker, 'message')) as [Outcome]
    return outcome
  } catch (cause) {
    throw new Error(`seed ${seed} broke off`, { cause })
  }
}

function add(sum: Sum, outcome: Outcome): void {
  sum.seeds += 1
  sum.operations += outcome.operations
  sum.failures += outcome.failures
  sum.lastedMs += outcome.lastedMs
  for (const [fault, count] of Object.entries(outcome.faults)) {
    sum.faults[fault] = (sum.faults[fault] ?? 0) + count
  }
  if (outcome.violations.length > 0) sum.failed.push(outcome)
}

/** For people: what was gone through. */
export function formatSum({ seeds, operations, failures, lastedMs, faults }: Sum): string {
  const hours = (lastedMs / 3_600_000).toFixed(1)
  const all = Object.entries(faults).sort(([, a], [, b]) => b - a)
  return (
    `${seeds} seeds, ${hours} hours of theirs: ${operations} operations, ${failures} of them ` +
    `prevented by weather; ${all.map(([fault, count]) => `${count} × ${fault}`).join(', ')}`
  )
}

/** For people: what went wrong, and how to see it again. */
export function formatFailure({ seed, events, violations }: Outcome): string {
  const again = `DREY_SEED=${seed} npm test -- test/sim/sim.test.ts`
  return [...events, '', ...violations, '', `Again: ${again}`].join('\n')
}
