import { DreyError } from '../base/error.ts'

/** How a block is coded: any `k` of `n` shards give it back. `k = 1` is plain copies. */
export interface Code {
  /** So many shards are enough. */
  readonly k: number
  /** So many there are. */
  readonly n: number
}

export const limits = {
  shardsMax: 256, // GF(2^8) has no more rows.
  overheadMax: 4, // n / k, for k > 1: a segment and its parity have to fit a slot of the pool.
} as const

/** Smaller blocks are copies: coding them costs more files than it saves bytes. */
export const copiesBelowBytes = 64 * 1024

/** What a swarm aims at, from so many live storage members on. */
const policy: readonly (Code & { readonly members: number })[] = [
  { members: 14, k: 10, n: 14 },
  { members: 9, k: 6, n: 9 },
  { members: 6, k: 4, n: 6 },
  { members: 5, k: 3, n: 5 },
  { members: 4, k: 2, n: 4 },
  { members: 3, k: 2, n: 3 },
  { members: 2, k: 1, n: 2 },
  { members: 0, k: 1, n: 1 },
]

/** What a swarm aims at, by its live storage members. */
export function policyFor(members: number): Code {
  const { k, n } = policy.find((row) => members >= row.members)!
  return { k, n }
}

/** Whether some swarm aims at it; whatever else a block is coded in, a person chose. */
export function isPolicy(code: Code): boolean {
  return policy.some((row) => isSameCode(row, code))
}

export function isSameCode(a: Code, b: Code): boolean {
  return a.k === b.k && a.n === b.n
}

/** The code of one block: small ones are n − k + 1 copies, which survive as many losses. */
export function codeFor(policy: Code, blockBytes: number): Code {
  return blockBytes < copiesBelowBytes ? { k: 1, n: policy.n - policy.k + 1 } : policy
}

/** Bytes of each shard of a block; the last data shard is filled up with zeros. */
export function shardBytesOf(code: Code, blockBytes: number): number {
  return Math.ceil(blockBytes / code.k)
}

/** "4+2": four shards of data and two of parity. */
export function formatCode(code: Code): string {
  return `${code.k}+${code.n - code.k}`
}

export function parseCode(text: string): Code {
  const match = /^(\d{1,3})\+(\d{1,3})$/.exec(text.trim())
  if (match === null) {
    throw new DreyError('bad-input', `not a code: "${text}"; write data+parity, such as 4+2`)
  }
  return checkCode({ k: Number(match[1]), n: Number(match[1]) + Number(match[2]) })
}

/** Refuses codes that cannot be, or that a node has no room to compute. */
export function checkCode(code: Code): Code {
  const { k, n } = code
  const refuse = (why: string) =>
    new DreyError('bad-input', `not a usable code: ${k} of ${n} (${why})`)
  if (!Number.isInteger(k) || !Number.isInteger(n) || k < 1 || n < k)
    throw refuse('it takes 1 ≤ k ≤ n')
  if (n > limits.shardsMax) throw refuse(`at most ${limits.shardsMax} shards`)
  if (k > 1 && n > k * limits.overheadMax)
    throw refuse(`at most ${limits.overheadMax} times the bytes`)
  return code
}
