import type { DoorReply } from './door.ts'
import { errorBody, type ErrorBody } from './errors.ts'

const reportEveryMs = 200

/** A line of what long work answers: how far it is; the last one has its outcome, or why it failed. */
export type Line<Progress, Outcome> =
  { readonly progress: Progress } | { readonly outcome: Outcome } | ErrorBody

/**
 * Answers with lines of JSON (NDJSON) while `work` is under way, which says how far it is. When the outcome
 * has been told, `told` is called.
 */
export function lines<Progress, Outcome>(
  work: (report: (progress: Progress) => void) => Promise<Outcome>,
  told: (outcome: Outcome) => void = () => {},
): Promise<DoorReply> {
  const headers = { 'content-type': 'application/x-ndjson' }
  return Promise.resolve({ status: 200, headers, body: working(work, told) })
}

async function* working<Progress, Outcome>(
  work: (report: (progress: Progress) => void) => Promise<Outcome>,
  told: (outcome: Outcome) => void,
): AsyncGenerator<Uint8Array> {
  const line = (value: Line<Progress, Outcome>) => Buffer.from(`${JSON.stringify(value)}\n`)
  let progress: Progress | undefined
  const under = work((now) => (progress = now))
  const settled = under.then(
    () => true,
    () => true, // Told below.
  )
  while (!(await Promise.race([settled, rest(reportEveryMs)]))) {
    if (progress !== undefined) yield line({ progress })
  }
  try {
    const outcome = await under
    yield line({ outcome })
    told(outcome)
  } catch (error) {
    yield line(errorBody(error))
  }
}

function rest(ms: number): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), ms))
}
