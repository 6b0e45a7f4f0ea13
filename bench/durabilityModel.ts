import type { Code } from '../src/coding/code.ts'

/** How members are lost, and how soon what they held is somewhere else. */
export interface Fate {
  /** How often one member is lost for good. */
  readonly lossesPerYear: number
  /** From the loss of a shard until it is made anew, on average. */
  readonly repairYears: number
}

/**
 * Years until fewer than k of n shards are left, on average, from when all are there.
 *
 * A Markov chain in continuous time. Its states are the shards that are missing, from none to n − k; one more,
 * and the block is lost for good. With j missing, n − j members may be lost, and j shards are being made
 * anew, each by itself. How long a repair takes varies; for losses that are rare against repairs only the
 * average of it counts, whatever its distribution.
 *
 * The time from j missing to j + 1 is h(j) = (1 + down(j) h(j − 1)) / up(j), and the answer is their
 * sum. All terms are positive: nothing cancels out, and the last digit of the smallest chance is right.
 */
export function yearsToLoss({ k, n }: Code, { lossesPerYear, repairYears }: Fate): number {
  let [step, sum] = [0, 0]
  for (let missing = 0; missing <= n - k; missing++) {
    const up = (n - missing) * lossesPerYear
    const down = missing / repairYears
    step = (1 + down * step) / up
    sum += step
  }
  return sum
}

/**
 * The chance that it happens within a year, at most. The time to it is a sum of exponential ones (the chain is
 * one of births and deaths), so that its failure rate only rises, and for a time shorter than its mean the
 * exponential distribution of the same mean is a bound (Barlow and Proschan). Where repairs are fast it is
 * exact but for the repair time. (For a longer time it is more than one half anyway.)
 */
export function lossWithinAYear(code: Code, fate: Fate): number {
  return -Math.expm1(-1 / yearsToLoss(code, fate))
}

/**
 * The chance that any block of a blob is lost within a year, at most, where its blocks are spread over so
 * many members. Two bounds, and the lesser of them: as if each block had its own chance; and as if the loss of
 * any n − k + 1 members at a time were the loss of some block, which it is when there are blocks enough.
 * Blocks on exactly the same n members are lost together: then it is the chance of one block.
 */
export function blobLossWithinAYear(
  { k, n }: Code,
  fate: Fate,
  { blocks, members }: { blocks: number; members: number },
): number {
  const eachAlone = blocks * lossWithinAYear({ k, n }, fate)
  const anyMembers = lossWithinAYear({ k: members - (n - k), n: members }, fate)
  return Math.min(1, eachAlone, anyMembers)
}

/** How often a member is lost, by the chance that it is gone within a year. */
export function lossesPerYear(chance: number): number {
  return -Math.log1p(-chance)
}
