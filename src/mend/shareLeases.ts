import { isDreyError } from '../base/error.ts'
import type { LeaseBook } from '../lease/book.ts'
import { leasesMax } from '../node/protocol.ts'
import type { Sighting } from './survey.ts'

/**
 * Tells the other holders of a block which leases cover it here, where they seem to have others: one was not
 * asked when a blob was stored, has lost its book, or has more than went with the shard. They do the same.
 */
export async function shareLeases(
  { block, self, leases }: Pick<Sighting, 'block' | 'self' | 'leases'>,
  book: LeaseBook,
  signal: AbortSignal,
): Promise<void> {
  const digest = book.digestOf(block)
  const others = [...leases].filter(([holder, theirs]) => holder !== self && theirs !== digest)
  if (others.length === 0) return
  const own = book.of(block)
  try {
    for (let at = 0; at < own.length; at += leasesMax) {
      const page = own.slice(at, at + leasesMax)
      await Promise.all(others.map(([holder]) => holder.have(block, signal, page)))
    }
  } catch (error) {
    signal.throwIfAborted()
    if (!isDreyError(error)) throw error // Weather: the next pass tells them.
  }
}
