import { checkAddress, type Address } from '../address/address.ts'
import { concat } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import { decodeLayout, encodeLayout, type Layout } from '../coding/layout.ts'
import { isLeaseId, secretBytes, type Lease, type LeaseSecret } from '../lease/lease.ts'
import type { Header } from '../transport/transporter.ts'
import type { Answer, Fetched, Held, Inventory, Wanted } from './holder.ts'

export const surveyMax = 256 // Blocks asked about at once: an answer of some 20 KB.
export const leasesMax = 256 // That come with a question.
export const endsMax = 512 // Secrets in one message: 8 KB.
const ownerBytesMax = 128
const logBytesMax = 64

/**
 * What members say to each other, as headers of the transport's messages. Each request names its
 * operation in `op`; fields that are not known are passed over, so that newer members may say more.
 *
 *     have  {block, leases?}                            → {layouts, indexes}
 *     survey {blocks, leases?}                          → {held, leases}: of each block, layouts and
 *                                                         indexes in turn; and a digest of its leases
 *     layout {block, layout}                            → {layout}, or {}
 *     keep  {layout, index, leases?} + the shard        → {isNew}
 *     fetch {block, layout?, without}                   → {layout, index, also, rotted} + the shard,
 *                                                         or {rotted}
 *
 *     end   {secrets}                                   → {}: 16 bytes each, one after the other
 *     ends  {log, place}                                → {log, secrets, place}: those that ended later
 *
 * `keep` and `fetch` with `quiet: true` are work that nobody waits for.
 */
/** A place in a member's list of ended leases. */
export interface Place {
  readonly log: string
  readonly place: number
}

export function encodeHave(block: Address, leases: readonly Lease[] = []): Header {
  return { op: 'have', block, ...encodeLeases(leases) }
}

export function decodeHave(header: Header): { block: Address; leases: Lease[] } {
  return { block: decodeBlock(header), leases: decodeLeases(header) }
}

export function encodeHeld(held: readonly Held[]): Header {
  return { layouts: held.map(({ layout }) => layout), indexes: held.map(({ index }) => index) }
}

export function decodeHeld(header: Header): Held[] {
  const indexes = list(header.indexes, 'indexes', (index) => size(index, 'index'))
  const layouts = list(header.layouts, 'layouts', (layout) => text(layout, 'layouts'))
  if (layouts.length !== indexes.length)
    throw new DreyError('protocol', 'its lists differ in length')
  return layouts.map((layout, at) => ({ layout, index: indexes[at]! }))
}

export function encodeSurvey(blocks: readonly Address[], leases: readonly Lease[] = []): Header {
  return { op: 'survey', blocks: [...blocks], ...encodeLeases(leases) }
}

export function decodeSurvey(header: Header): { blocks: Address[]; leases: Lease[] } {
  const blocks = list(header.blocks, 'blocks', (block) => decodeBlock({ block }))
  if (blocks.length <= surveyMax) return { blocks, leases: decodeLeases(header) }
  throw new DreyError('protocol', `"blocks" has more than ${surveyMax}`)
}

export function encodeSurveyed(all: readonly Inventory[]): Header {
  return {
    held: all.map(({ held }) => held.flatMap(({ layout, index }) => [layout, index])),
    leases: all.map(({ leases }) => leases),
  }
}

export function decodeSurveyed(header: Header, count: number): Inventory[] {
  const all = list(header.held, 'held', decodeTurns)
  const digests = list(header.leases, 'leases', (digest) => size(digest, 'leases'))
  if (all.length === count && digests.length === count) {
    return all.map((held, at) => ({ held, leases: digests[at]! }))
  }
  throw new DreyError('protocol', `it does not answer for ${count} blocks`)
}

function decodeTurns(turns: unknown): Held[] {
  const items = list(turns, 'held', (item) => item)
  return Array.from({ length: items.length >> 1 }, (_, at) => ({
    layout: text(items[at * 2], 'held'),
    index: size(items[at * 2 + 1], 'held'),
  }))
}

export function encodeLayoutOf(block: Address, layout: string): Header {
  return { op: 'layout', block, layout }
}

export function decodeLayoutOf(header: Header): { block: Address; layout: string } {
  return { block: decodeBlock(header), layout: text(header.layout, 'layout') }
}

export function encodeLayoutIs(layout: Layout | undefined): Header {
  return layout ? { layout: encodeLayout(layout) } : {}
}

export function decodeLayoutIs({ layout }: Header): Layout | undefined {
  return layout === undefined ? undefined : decodeLayout(bytes(layout, 'layout'))
}

export function encodeKeep(layout: Layout, index: number, leases: readonly Lease[]): Header {
  return { op: 'keep', layout: encodeLayout(layout), index, ...encodeLeases(leases) }
}

export function decodeKeep(header: Header): { layout: Layout; index: number; leases: Lease[] } {
  return { ...decodeNamed(header), leases: decodeLeases(header) }
}

function decodeNamed(header: Header): { layout: Layout; index: number } {
  return {
    layout: decodeLayout(bytes(header.layout, 'layout')),
    index: size(header.index, 'index'),
  }
}

/** As many as go with one question: a block has more when many blobs have it. At least one page. */
export function leasePages(leases: readonly Lease[]): Lease[][] {
  const pages = Math.max(1, Math.ceil(leases.length / leasesMax))
  return Array.from({ length: pages }, (_, at) =>
    leases.slice(at * leasesMax, (at + 1) * leasesMax),
  )
}

function encodeLeases(leases: readonly Lease[]): Header {
  return leases.length > 0 ? { leases: leases.map((lease) => ({ ...lease })) } : {}
}

function decodeLeases({ leases = [] }: Header): Lease[] {
  const decoded = list(leases, 'leases', decodeLease)
  if (decoded.length <= leasesMax) return decoded
  throw new DreyError('protocol', `"leases" has more than ${leasesMax}`)
}

function decodeLease(item: unknown): Lease {
  const { id, owner, made, expires } = (item ?? {}) as Header
  if (!isLeaseId(text(id, 'id'))) throw new DreyError('protocol', '"id" is not that of a lease')
  if (text(owner, 'owner').length > ownerBytesMax) {
    throw new DreyError('protocol', '"owner" is too long')
  }
  return {
    id: id as string,
    owner: owner as string,
    made: size(made, 'made'),
    ...(expires === undefined ? {} : { expires: size(expires, 'expires') }),
  }
}

export function encodeFetch(block: Address, wanted: Wanted): Header {
  const { layout, without } = wanted
  return { op: 'fetch', block, without: [...without], ...(layout ? { layout } : {}) }
}

export function decodeFetch(header: Header): { block: Address; wanted: Wanted } {
  const { layout, without } = header
  return {
    block: decodeBlock(header),
    wanted: {
      layout: typeof layout === 'string' ? layout : undefined,
      without: list(without, 'without', (index) => size(index, 'index')),
    },
  }
}

export function encodeAnswer({ fetched, rotted }: Answer): Header {
  if (fetched === undefined) return { rotted: [...rotted] }
  const { layout, index, also } = fetched
  return { rotted: [...rotted], layout: encodeLayout(layout), index, also: [...also] }
}

export function decodeAnswer(header: Header): Answer {
  const rotted = list(header.rotted, 'rotted', (index) => size(index, 'index'))
  return header.layout === undefined ? { rotted } : { fetched: decodeFetched(header), rotted }
}

export function decodeFetched(header: Header): Fetched {
  const also = list(header.also, 'also', (index) => size(index, 'index'))
  return { ...decodeNamed(header), also }
}

export function encodeEnd(secrets: readonly LeaseSecret[]): Header {
  return { op: 'end', secrets: concat(secrets) }
}

export function decodeSecrets(header: Header): LeaseSecret[] {
  const all = bytes(header.secrets, 'secrets')
  const count = all.length / secretBytes
  if (!Number.isInteger(count) || count > endsMax) {
    throw new DreyError('protocol', `"secrets" is not ${endsMax} secrets of ${secretBytes} bytes`)
  }
  return Array.from({ length: count }, (_, at) =>
    all.slice(at * secretBytes, (at + 1) * secretBytes),
  )
}

export function encodeEndsFrom({ log, place }: Place): Header {
  return { op: 'ends', log, place }
}

export function decodeEndsFrom(header: Header): Place {
  const log = text(header.log, 'log')
  if (log.length > logBytesMax) throw new DreyError('protocol', '"log" is too long')
  return { log, place: size(header.place, 'place') }
}

export function encodeEnds({ log, place }: Place, secrets: readonly LeaseSecret[]): Header {
  return { log, place, secrets: concat(secrets) }
}

export function decodeEnds(header: Header): Place & { secrets: LeaseSecret[] } {
  return { ...decodeEndsFrom(header), secrets: decodeSecrets(header) }
}

export function decodeBlock(header: Header): Address {
  const { block } = header
  if (typeof block !== 'object' || block === null || !('multihash' in block)) {
    throw new DreyError('protocol', '"block" is not an address')
  }
  return checkAddress(block)
}

function text(value: unknown, field: string): string {
  if (typeof value === 'string') return value
  throw new DreyError('protocol', `"${field}" is not text`)
}

function size(value: unknown, field: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
  throw new DreyError('protocol', `"${field}" is not a whole number`)
}

function bytes(value: unknown, field: string): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new DreyError('protocol', `"${field}" is not bytes`)
}

function list<T>(value: unknown, field: string, read: (item: unknown) => T): T[] {
  if (Array.isArray(value) && value.length <= 4096) return value.map(read)
  throw new DreyError('protocol', `"${field}" is not a list`)
}
