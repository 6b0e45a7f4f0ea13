import { checkAddress, type Address } from '../address/address.ts'
import { DreyError } from '../base/error.ts'
import { decodeLayout, encodeLayout, type Layout } from '../coding/layout.ts'
import type { Header } from '../transport/transporter.ts'
import type { Answer, Fetched, Held, Wanted } from './holder.ts'

export const surveyMax = 256 // Blocks asked about at once: an answer of some 20 KB.

/**
 * What members say to each other, as headers of the transport's messages. Each request names its
 * operation in `op`; fields that are not known are passed over, so that newer members may say more.
 *
 *     have  {block}                                     → {layouts, indexes}
 *     survey {blocks}                                   → {held}: of each block, layouts and indexes in turn
 *     layout {block, layout}                            → {layout}, or {}
 *     keep  {layout, index} + the shard                 → {isNew}
 *     fetch {block, layout?, without}                   → {layout, index, also, rotted} + the shard,
 *                                                         or {rotted}
 *
 * `keep` and `fetch` with `quiet: true` are work that nobody waits for.
 */
export function encodeHave(block: Address): Header {
  return { op: 'have', block }
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

export function encodeSurvey(blocks: readonly Address[]): Header {
  return { op: 'survey', blocks: [...blocks] }
}

export function decodeSurvey({ blocks }: Header): Address[] {
  const decoded = list(blocks, 'blocks', (block) => decodeBlock({ block }))
  if (decoded.length <= surveyMax) return decoded
  throw new DreyError('protocol', `"blocks" has more than ${surveyMax}`)
}

export function encodeSurveyed(held: readonly (readonly Held[])[]): Header {
  return { held: held.map((each) => each.flatMap(({ layout, index }) => [layout, index])) }
}

export function decodeSurveyed({ held }: Header, count: number): Held[][] {
  const decoded = list(held, 'held', decodeTurns)
  if (decoded.length === count) return decoded
  throw new DreyError('protocol', `"held" does not answer for ${count} blocks`)
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

export function encodeKeep(layout: Layout, index: number): Header {
  return { op: 'keep', layout: encodeLayout(layout), index }
}

export function decodeKeep(header: Header): { layout: Layout; index: number } {
  return {
    layout: decodeLayout(bytes(header.layout, 'layout')),
    index: size(header.index, 'index'),
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
  return { ...decodeKeep(header), also }
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
