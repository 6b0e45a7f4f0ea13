import type { Clock } from '../base/clock.ts'
import { isDreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Peer, Transporter } from './transporter.ts'

const defaults = {
  firstRestMs: 500, // A restarted node is back in about this time.
  longestRestMs: 30_000, // A machine that was off for a night is met again within this.
} as const

export interface KeepParts {
  readonly transporter: Pick<Transporter, 'connect' | 'peers' | 'watch'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/**
 * Connects, and again whenever the connection is lost, resting longer after each failure; rests differ by
 * chance, so that a swarm does not come back to a restarted member all at once. Ends with the signal, or
 * when the address turns out to be this node's own.
 */
export async function keepConnected(
  parts: KeepParts,
  address: string,
  signal: AbortSignal,
): Promise<void> {
  const { transporter, clock, random, log } = parts
  let restMs: number = defaults.firstRestMs
  let said = ''
  while (!signal.aborted) {
    try {
      const peer = await transporter.connect(address, { signal })
      restMs = defaults.firstRestMs
      said = ''
      await untilDown(transporter, peer, signal)
    } catch (error) {
      if (signal.aborted) return
      const why = messageOf(error)
      if (why !== said) log.warn('cannot connect', { address, why }) // Once, not at every attempt.
      said = why
      if (isDreyError(error, 'bad-input')) return // It will never be another's.
    }
    try {
      await clock.sleep(restMs * (0.5 + random.fraction() / 2), signal)
    } catch {
      return // Closed meanwhile.
    }
    restMs = Math.min(restMs * 2, defaults.longestRestMs)
  }
}

/** Resolves when the peer is not connected, or the signal says that nobody cares any more. */
async function untilDown(
  transporter: KeepParts['transporter'],
  peer: Peer,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const leave = () => resolve()
  const stop = transporter.watch((event) => {
    if (event.type === 'down' && event.peer.id === peer.id) resolve()
  })
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted || !transporter.peers().some(({ id }) => id === peer.id)) resolve()
  await promise
  signal.removeEventListener('abort', leave)
  stop()
}
