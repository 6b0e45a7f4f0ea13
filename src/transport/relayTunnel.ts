import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import { free } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { DreyError, messageOf } from '../base/error.ts'
import type { BytePace } from './pace.ts'

export interface TunnelParts {
  readonly pace: Pick<BytePace, 'take'>
  readonly clock: Clock
  /** A tunnel through which nothing has gone for so long (or up to twice as long) is closed. */
  readonly idleMs: number
  /** Closes the tunnel. */
  readonly signal: AbortSignal
}

/**
 * Carries bytes between two streams, both ways, until one side ends, nothing moves any more, or the signal
 * aborts. Both streams are gone then. A slow reader stops its writer: what is held here is what the two
 * streams hold, and a chunk each way. Says how much was carried, and why it ended; never throws.
 */
export async function tunnel(
  left: Duplex,
  right: Duplex,
  parts: TunnelParts,
): Promise<{ bytes: number; why: string }> {
  const over = new AbortController()
  const signal = AbortSignal.any([over.signal, parts.signal])
  let bytes = 0
  const passing = async (size: number) => {
    await parts.pace.take(size, signal)
    bytes += size
  }
  const ways = [
    carry(left, right, passing, signal),
    carry(right, left, passing, signal),
    untilIdle(parts, () => bytes, signal),
  ]
  const why = await Promise.race(ways).then(() => 'one side ended it', messageOf)
  over.abort(new Error(why))
  left.destroy()
  right.destroy()
  await Promise.allSettled(ways)
  return { bytes, why }
}

/** Carries all of a stream to its end, and lets the other one end too. */
async function carry(
  from: Duplex,
  to: Duplex,
  passing: (size: number) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const chunks = from.iterator({ destroyOnReturn: false }) // Its other half may still be at work.
  for await (const chunk of chunks as AsyncIterable<Uint8Array>) {
    await passing(chunk.length)
    if (!to.write(chunk, () => free(chunk))) await once(to, 'drain', { signal })
  }
  to.end()
  await finished(to, { readable: false, signal })
}

async function untilIdle(
  { clock, idleMs }: TunnelParts,
  carried: () => number,
  signal: AbortSignal,
): Promise<void> {
  for (let before = -1; before !== carried();) {
    before = carried()
    await clock.sleep(idleMs, signal)
  }
  throw new DreyError('unreachable', `nothing went through it for ${idleMs} ms`)
}
