/** What a node says of the blocks it looks after: those of which it is the first holder in their order. */
export interface Census {
  /** How many there are. */
  readonly blocks: number
  /** Those that survive fewer losses than they should. */
  readonly below: number
  /** Those of which too few shards are left. */
  readonly lost: number
  /** Members that may vanish now, whichever they are, until the first of them is lost. */
  readonly survives?: number
}

/** What looking after blocks has come to. */
export interface MendProgress {
  /** What blocks should be coded in: "4+2". */
  readonly code: string
  /** The pass that is under way. */
  readonly pass?: {
    /** Milliseconds since 1970. */
    readonly startedAt: number
    /** Shards that were looked at. */
    readonly seen: number
    /** About how many there are. */
    readonly total: number
  }
  /** When the last whole pass ended. */
  readonly passedAt?: number
  /** Of the last whole pass; before there was one, of the one under way. */
  readonly census: Census
  /** Addresses of lost blocks, the first hundred. */
  readonly lostBlocks: readonly string[]
  /** Blocks that wait to be mended. */
  readonly waiting: number
  /** Milliseconds until they are mended, as far as can be said. */
  readonly remainingMs?: number
  /** Blocks mended since the node started, as all that follows. */
  readonly mended: number
  /** Blocks coded anew. */
  readonly recoded: number
  /** Shards that went to where they belong. */
  readonly handedOver: number
  /** Shards removed here because others have them. */
  readonly removed: number
  /** What could not be done; it is tried again. */
  readonly failed: number
  /** Bytes of shards fetched and sent for all that. */
  readonly movedBytes: number
}

export const nothingSeen: Census = { blocks: 0, below: 0, lost: 0 }

/** Counts a block in. */
export function counted(census: Census, survives: number, wanted: number): Census {
  const isLost = survives < 0
  return {
    blocks: census.blocks + 1,
    below: census.below + (!isLost && survives < wanted ? 1 : 0),
    lost: census.lost + (isLost ? 1 : 0),
    survives: Math.min(census.survives ?? Infinity, survives),
  }
}
