import type { Clock } from '../base/clock.ts'
import { DreyError } from '../base/error.ts'

export interface Limit {
  readonly clock: Clock
  readonly ms: number
  /** What is said when the time is over. */
  readonly why: string
  readonly signal?: AbortSignal
}

/** Does some work, and aborts it when it takes too long: 'unreachable'. */
export async function within<T>(
  { clock, ms, why, signal }: Limit,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController()
  const done = new AbortController()
  clock.sleep(ms, done.signal).then(
    () => late.abort(new DreyError('unreachable', why)),
    () => {}, // In time.
  )
  try {
    return await work(AbortSignal.any(signal ? [late.signal, signal] : [late.signal]))
  } finally {
    done.abort()
  }
}
