import { checkAddress, type Address } from '../address/address.ts'
import { DreyError } from '../base/error.ts'
import { decodeLayout, encodeLayout, type Layout } from '../coding/layout.ts'
import type { Header } from '../transport/transporter.ts'
import type { Answer, Fetched, Held, Wanted } from './holder.ts'

/**
 * What members say to each other, as headers of the transport's messages. Each request names its
 * operation in `op`; fields that are not known are passed over, so that newer members may say more.
 *
 *     have  {block}                                     → {layouts, indexes}
 *     keep  {layout, index} + the shard                 → {isNew}
 *     fetch {block, layout?, without}                   → {layout, index, also, rotted} + the shard,
 *                                                         or {rotted}
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
