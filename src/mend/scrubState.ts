import { subfolders } from '../store/shardName.ts'

/** What reading everything has come to. */
export interface ScrubCount {
  /** Shards that were read and are right. */
  readonly shards: number
  /** Bytes of those shards. */
  readonly bytes: number
  /** Shards found rotten meanwhile, whoever read them. */
  readonly rotted: number
  /** Shards, and whole subfolders, that could not be read: the disk, or rights, may be wrong. */
  readonly unread: number
}

/** A pass over everything, finished. */
export interface ScrubReport extends ScrubCount {
  /** Milliseconds since 1970, as `endedAt`. */
  readonly startedAt: number
  /** When the last shard was read. */
  readonly endedAt: number
}

/** What is remembered while the node is off: the pass under way, the subfolder it comes to next, and the last one. */
export interface ScrubState {
  readonly pass: ScrubCount & { readonly startedAt: number; readonly subfolder: string }
  readonly last?: ScrubReport
}

/** What a node says of its scrubbing. Times are milliseconds since 1970. */
export interface ScrubProgress {
  /** The pass that is under way. */
  readonly pass: ScrubCount & {
    /** When it began. */
    readonly startedAt: number
    /** How much of everything has been read, from 0 to 1. */
    readonly part: number
    /** When it will be through. */
    readonly endsAt: number
  }
  /** The pass before; absent until there was one. */
  readonly last?: ScrubReport
}

const countFields = ['shards', 'bytes', 'rotted', 'unread'] as const

const version = 1

export function formatScrubState(state: ScrubState): string {
  return `${JSON.stringify({ version, ...state })}\n`
}

/** Reads what was remembered; `undefined` when it is damaged, or of another version. */
export function parseScrubState(text: string): ScrubState | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined // Whoever asks says so, and begins anew.
  }
  if (!isRecord(value) || value.version !== version) return undefined
  const { pass, last } = value
  if (!hasCounts(pass, ['startedAt']) || !subfolders.includes(pass.subfolder as string)) {
    return undefined
  }
  if (last !== undefined && !hasCounts(last, ['startedAt', 'endedAt'])) return undefined
  return { pass, last } as unknown as ScrubState
}

function hasCounts(value: unknown, times: readonly string[]): value is Record<string, unknown> {
  if (!isRecord(value)) return false
  return [...countFields, ...times].every((field) => {
    return Number.isFinite(value[field]) && (value[field] as number) >= 0
  })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
