import { formatCode, type Code } from '../coding/code.ts'

/** What a put achieved: sums over all its blocks, and the worst of them. */
export interface Receipt {
  readonly blocks: number
  /** Blocks of which at least one shard was not there before, and their bytes. */
  readonly newBlocks: number
  readonly newBytes: number
  /** Shards that were sent, and their bytes. */
  readonly sentShards: number
  readonly sentBytes: number
  /** Of the block that is worst off: its code, how many members have synced shards, of how many. */
  readonly code: Code
  readonly syncedOn: number
  readonly aimedAt: number
  /** How many members may vanish, whichever they are. */
  readonly survives: number
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
