import { isDreyError } from '../base/error.ts'
import type { LeaseBook } from '../lease/book.ts'
import type { Sighting } from './survey.ts'

/**
 * Tells the other holders of a block which leases cover it here, where they seem to have others: one was not
 * asked when a blob was stored, or has lost its book. They do the same. Whether all of them have these now: who
 * removes its own shards before may be the last one that knows of a lease.
 */
export async function shareLeases(
  { block, self, leases }: Pick<Sighting, 'block' | 'self' | 'leases'>,
  book: LeaseBook,
  signal: AbortSignal,
): Promise<boolean> {
  const digest = book.digestOf(block)
  const others = [...leases].filter(([holder, theirs]) => holder !== self && theirs !== digest)
  const own = book.of(block)
  if (others.length === 0 || own.length === 0) return true
  try {
    const told = await Promise.all(others.map(([holder]) => holder.have(block, signal, own)))
    return told.every((held) => held.length > 0)
  } catch (error) {
    signal.throwIfAborted()
    if (isDreyError(error)) return false // Weather: the next pass tells them.
    throw error
  }
}
