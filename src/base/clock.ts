import { setTimeout as rest } from 'node:timers/promises'

/** Time, handed in, so that a simulator can hand in another. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Rests; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    try {
      await rest(ms, undefined, { signal, ref: false })
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  },
}

/** A signal that says stop when its time is up, or when `outer` does. Disposing of it ends the waiting. */
export interface TimeLimit extends Disposable {
  readonly signal: AbortSignal
}

/** By the clock that is handed in, where `AbortSignal.timeout` would go by the machine's. */
export function timeLimit(clock: Clock, ms: number, outer?: AbortSignal): TimeLimit {
  const late = new AbortController()
  const needless = new AbortController()
  clock.sleep(ms, needless.signal).then(
    () => late.abort(new DOMException('The time is up', 'TimeoutError')),
    () => {}, // It was not needed any more.
  )
  return {
    signal: AbortSignal.any(outer ? [outer, late.signal] : [late.signal]),
    [Symbol.dispose]: () => needless.abort(),
  }
}
