import type { HashName } from '../address/hash.ts'
import type { Finding } from '../node/gather.ts'
import type { Role } from '../transport/transporter.ts'

/** What every method takes. */
export interface Options {
  /** Ends what is under way; its reason is what the promise rejects with. */
  readonly signal?: AbortSignal
}

/** What a lease is made with. */
export interface LeaseOptions extends Options {
  /** What people call it, in {@link Drey.list}: 4,096 characters at most. */
  readonly name?: string
  /** Until when it is wanted. Without it: until it is removed. */
  readonly expires?: Date
}

/** How a blob is stored. */
export interface PutOptions extends LeaseOptions {
  /** What its address is made with: `blake3` unless told otherwise. Collisions of `sha1` can be made on purpose. */
  readonly hash?: HashName
  /** How many shards of data and of parity, such as `"4+2"`, in place of what the swarm aims at. */
  readonly code?: string
  /** Called again and again with the bytes that were taken from the source so far. */
  readonly onProgress?: (bytes: number) => void
}

/** How a folder is stored. */
export interface PutFolderOptions extends PutOptions {
  /** Whether something is left out, by its path below the folder, with "/" between names. Nothing is, unless told otherwise. */
  readonly isLeftOut?: (path: string, isFolder: boolean) => boolean
}

/** How a folder is written to this machine. */
export interface GetFolderOptions extends Options {
  /** Files may again run as their owner or group, whoever stored them. They may not, unless told otherwise. */
  readonly keepsSetId?: boolean
  /** Called again and again with the bytes that were written so far. */
  readonly onProgress?: (bytes: number) => void
}

/** What of a folder is told. */
export interface EntriesOptions extends Options {
  /** All that is below it, each folder before what is in it; otherwise only what is in the folder itself. */
  readonly deep?: boolean
}

/** Part of a blob: from byte `start` up to and without byte `end`. Bytes are counted from 0. */
export interface ByteRange {
  /** The first byte: 0 unless told otherwise. */
  readonly start?: number
  /** The first byte that is not wanted any more: the blob's size unless told otherwise. */
  readonly end?: number
}

/** How a blob is read. */
export interface GetOptions extends Options {
  /** Only these bytes. The segments they are in are fetched, and no others. */
  readonly range?: ByteRange
  /** Called at a read's end for each shard that was not what it should be, though the read went on from others. */
  readonly onFinding?: (finding: Finding) => void
}

/** How a blob's holders are sought. */
export type FindOptions = Options

/** How a blob is looked at. */
export interface CheckOptions extends Options {
  /** Every shard is fetched and checked; otherwise members are believed that they have it. */
  readonly deep?: boolean
  /** Called again and again with the number of blocks that were looked at. */
  readonly onProgress?: (blocks: number) => void
}

/** How a blob is kept. */
export interface KeepOptions extends LeaseOptions {
  /** Called again and again with the number of blocks that are leased. */
  readonly onProgress?: (blocks: number) => void
}

/** What is listed, and how. */
export interface ListOptions extends Options {
  /** Part of a name or an address; upper and lower case do not matter. */
  readonly search?: string
  /** The latest first (`time`, unless told otherwise), the largest first, or names in their order. */
  readonly sort?: 'time' | 'size' | 'name'
  /** How many at most: 10,000 unless told otherwise, and no more than that. */
  readonly limit?: number
}

/** Whom an invitation is for. */
export interface InviteOptions extends Options {
  /** What a member may do that joins with it: `storage` unless told otherwise. */
  readonly role?: Role
  /** House, rack or site of the new member. */
  readonly zone?: string
  /** How many may join with it: one, unless told otherwise. */
  readonly uses?: number
  /** Until when it may be used: for a day, unless told otherwise; 90 days at most. */
  readonly expires?: Date
  /** Where newcomers come, `host:port`, in place of where the node knows that it is reached. */
  readonly addresses?: readonly string[]
}
