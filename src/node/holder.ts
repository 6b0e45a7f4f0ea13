import type { Address } from '../address/address.ts'
import type { Layout } from '../coding/layout.ts'
import type { Lease } from '../lease/lease.ts'
import type { Member } from './member.ts'

/** One shard that a holder has: under which layout, and which of the n. */
export interface Held {
  /** The layout's id. */
  readonly layout: string
  /** Which of the n it is, from 0 on. */
  readonly index: number
}

export interface Wanted {
  /** Shards of this layout rather than of another. */
  readonly layout?: string
  /** Shards that the asker has already. */
  readonly without: readonly number[]
}

export interface Fetched {
  readonly layout: Layout
  readonly index: number
  /** Other shards of the same layout that the holder has. */
  readonly also: readonly number[]
}

/** What a holder answers when asked for a shard. */
export interface Answer {
  readonly fetched?: Fetched
  /** Shards whose bytes the holder found rotten while it looked, and set aside. */
  readonly rotted: readonly number[]
}

/** Chooses where a shard is written: its exact size, or `undefined` when it is not wanted. */
export type Into = (layout: Layout, index: number) => Uint8Array | undefined

/** A member as the node sees it when it stores and finds shards: itself, or a peer. */
export interface Holder {
  readonly member: Member
  /** What it has of a block. If it has any of it, these leases cover it from then on. */
  have(block: Address, signal: AbortSignal, leases?: readonly Lease[]): Promise<Held[]>
  /** Whether the shard was new. When it has resolved, the shard is synced to the holder's disk, and so are
   * its leases. */
  keep(
    layout: Layout,
    index: number,
    bytes: Uint8Array,
    signal: AbortSignal,
    leases: readonly Lease[],
  ): Promise<boolean>
  /** Any shard of a block that fits; after it has settled nothing more is written. */
  fetch(block: Address, wanted: Wanted, into: Into, signal: AbortSignal): Promise<Answer>
}

/** What a holder has of a block, and a number that differs when its leases on it do. */
export interface Inventory {
  readonly held: readonly Held[]
  readonly leases: number
}

/** A holder that can be asked what it takes to look after blocks. */
export interface Surveyed extends Holder {
  /** The same one, asked for what nobody waits for: it need not hurry. */
  quietly(): Surveyed
  /** What it has of many blocks, as many as `surveyMax`, in their order; covered as by `have`. */
  survey(
    blocks: readonly Address[],
    signal: AbortSignal,
    leases?: readonly Lease[],
  ): Promise<Inventory[]>
  /** A layout that it has a shard of, by its id. */
  layoutOf(block: Address, id: string, signal: AbortSignal): Promise<Layout | undefined>
}
