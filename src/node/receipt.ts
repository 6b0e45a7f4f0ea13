import { formatCode, type Code } from '../coding/code.ts'

/** What a put achieved: sums over all its blocks, and the worst of them. */
export interface Receipt {
  /** Sealed segments, and nodes of the manifest. */
  readonly blocks: number
  /** Blocks of which at least one shard was not there before, and their bytes. */
  readonly newBlocks: number
  /** Bytes of those blocks, before they were coded. */
  readonly newBytes: number
  /** Shards that were sent, and their bytes. */
  readonly sentShards: number
  /** Bytes of those shards. */
  readonly sentBytes: number
  /** Of the block that is worst off: its code, how many members have synced shards, of how many. */
  readonly code: Code
  /** How many members have shards of it, synced to disk. */
  readonly syncedOn: number
  /** How many were meant to. */
  readonly aimedAt: number
  /** How many members may vanish, whichever they are. */
  readonly survives: number
}

/** Before anything was put. */
export const nothingPut: Receipt = {
  blocks: 0,
  newBlocks: 0,
  newBytes: 0,
  sentShards: 0,
  sentBytes: 0,
  code: { k: 1, n: 1 },
  syncedOn: 0,
  aimedAt: 0,
  survives: Infinity,
}

/** Of two puts, or blocks, together: it speaks of the worse one. */
export function sumOf(a: Receipt, b: Receipt): Receipt {
  const { code, syncedOn, aimedAt } = isWorse(a, b) ? b : a
  return {
    blocks: a.blocks + b.blocks,
    newBlocks: a.newBlocks + b.newBlocks,
    newBytes: a.newBytes + b.newBytes,
    sentShards: a.sentShards + b.sentShards,
    sentBytes: a.sentBytes + b.sentBytes,
    ...{ code, syncedOn, aimedAt },
    survives: Math.min(a.survives, b.survives),
  }
}

/** Whether `b` lacks more members than `a`; of those that lack as many, whether it is more spread. */
function isWorse(a: Receipt, b: Receipt): boolean {
  const [lacked, lacks] = [a.aimedAt - a.syncedOn, b.aimedAt - b.syncedOn]
  return lacks > lacked || (lacks === lacked && b.aimedAt > a.aimedAt)
}

/** The receipt in words. */
export function describeReceipt(receipt: Receipt): string {
  const { syncedOn, aimedAt, survives, code } = receipt
  const losses =
    survives === 0
      ? 'survives no loss'
      : `survives the loss of any ${survives === 1 ? 'one' : survives}`
  return `synced to disk on ${syncedOn} of ${aimedAt} members (${code.k === 1 ? 'copies' : formatCode(code)}), ${losses}`
}
