import { createHash, randomBytes } from 'node:crypto'

/**
 * A member's statement that blocks are wanted. One is made for each put, and covers all of its blocks;
 * a block is kept as long as any lease covers it. It ends when its secret is told: whoever knows that can
 * end it, whoever hears it can check it and pass it on, and nobody else can end it at all.
 */
export interface Lease {
  /** The hash of its secret, in hex. */
  readonly id: string
  /** The member that made it. */
  readonly owner: string
  /** Milliseconds since 1970, as `expires`; without that it holds until it is ended. */
  readonly made: number
  readonly expires?: number
}

/** What ends a lease; 16 bytes. */
export type LeaseSecret = Uint8Array

export const secretBytes = 16

/** Makes a lease, and what ends it. */
export function newLease(about: Omit<Lease, 'id'>): { lease: Lease; secret: LeaseSecret } {
  const secret = new Uint8Array(randomBytes(secretBytes))
  return { lease: { id: leaseIdOf(secret), ...about }, secret }
}

/** The lease that a secret ends: the first 16 bytes of SHA-256 of "drey lease" and the secret, in hex. */
export function leaseIdOf(secret: LeaseSecret): string {
  return createHash('sha256').update('drey lease').update(secret).digest('hex').slice(0, 32)
}

export function isLeaseId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text)
}

/** A short number that differs, most likely, between different sets of leases; zero for none. */
export function digestOfLeases(ids: Iterable<string>): number {
  let sum = 0
  for (const id of ids) sum = (sum + Number.parseInt(id.slice(0, 8), 16)) >>> 0
  return sum
}
