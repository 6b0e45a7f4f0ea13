import { addressOf, type Address } from '../address/address.ts'
import type { Clock } from '../base/clock.ts'
import type { Lease } from './lease.ts'
import type { Leases } from './leases.ts'

/** Time that goes on when it is told to. */
export class HandClock implements Clock {
  time = 1e12
  now = () => this.time
  sleep: Clock['sleep'] = () => Promise.reject(new Error('nobody rests here'))
}

export const block = (name: string): Address => addressOf('raw', 'sha2-256', Buffer.from(name))
export const [oak, elm, ash] = ['oak', 'elm', 'ash'].map(block) as [Address, Address, Address]
export const claimedBytes = 10

/** Covers a block, as a shard of ten bytes that comes does. */
export async function claim({ book }: Leases, of: Address, ...leases: Lease[]): Promise<void> {
  using _claim = await book.claim(of, leases, claimedBytes)
  await book.durable()
}

/** Takes ended leases off all that they covered. */
export async function sweepAll({ sweep }: Leases): Promise<void> {
  while (await sweep.takeSome());
}

/** Lets so much of the book's own time go by. */
export async function pass({ book }: Leases, clock: HandClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 600_000) {
    clock.time += Math.min(left, 600_000)
    await book.tick()
  }
}
