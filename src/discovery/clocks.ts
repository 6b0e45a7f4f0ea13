import type { Clock } from '../base/clock.ts'
import type { Handler, Peer, PeerId } from '../transport/transporter.ts'
import { wholeNumber } from './record.ts'

/** How another member's clock differs from this machine's. */
export interface ClockDifference {
  readonly by: PeerId
  /** Milliseconds by which it is ahead; below zero, it is behind. */
  readonly aheadMs: number
  /** So far that may be wrong: half the time that the answer took. */
  readonly withinMs: number
}

const limits = { askedMax: 8, answerMs: 5_000 } as const

/** Answers `clock`: what time it is here. */
export function answerClock(clock: Clock): Handler {
  return async () => ({ header: { now: clock.now() } })
}

/** Asks some members what time it is. Who does not say is left out. */
export async function askClocks(
  peers: readonly Peer[],
  clock: Clock,
  signal: AbortSignal,
): Promise<ClockDifference[]> {
  const asked = peers.slice(0, limits.askedMax).map((peer) => ask(peer, clock, signal))
  const answers = await Promise.all(asked)
  signal.throwIfAborted()
  return answers.filter((answer) => answer !== undefined)
}

async function ask(
  peer: Peer,
  clock: Clock,
  signal: AbortSignal,
): Promise<ClockDifference | undefined> {
  const sentAt = clock.now()
  try {
    const message = { header: { op: 'clock' } }
    const answer = await peer.request(message, { timeoutMs: limits.answerMs, signal })
    const withinMs = (clock.now() - sentAt) / 2
    answer.release?.()
    const aheadMs = wholeNumber(answer.header.now, 'now') - (sentAt + withinMs)
    return { by: peer.id, aheadMs, withinMs }
  } catch {
    return undefined // An earlier Drey does not know the question; or the member has gone.
  }
}
