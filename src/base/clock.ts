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
