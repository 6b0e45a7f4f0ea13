import type { Clock } from '../base/clock.ts'
import type { Notary } from '../transport/notary.ts'
import type { PeerId } from '../transport/transporter.ts'
import { readEntry, signEntry } from './entry.ts'
import type { Register } from './register.ts'
import type { Spread } from './spread.ts'

export interface TakeOverParts {
  readonly register: Register
  readonly spread: Spread
  readonly notary: Notary
  readonly clock: Clock
}

/**
 * Does what evicts a member, and says anew, in this issuer's own name, what the member had said of names and of
 * its catalog: nobody can tell afterwards when an evicted member signed something, so all that it signed is
 * forgotten everywhere, and what is to stay needs another's word. How much that was.
 */
export async function takingOver(
  subject: PeerId,
  parts: TakeOverParts,
  evict: () => Promise<void>,
): Promise<number> {
  const { register, spread, notary, clock } = parts
  const newest = [...register.all('name'), ...register.all('catalog')]
  const theirs = newest.filter(({ by }) => by.id === subject)
  await evict()
  const entries = theirs.map(({ slot, value, version }) => {
    const at = Math.max(clock.now(), version + 1)
    return readEntry(notary, signEntry(notary, { slot, version: version + 1, at, value }))
  })
  if (entries.length > 0) await spread.say(entries)
  return entries.length
}
