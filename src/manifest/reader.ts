import type { Address } from '../address/address.ts'
import { DreyError } from '../base/error.ts'
import type { ReadKeys } from '../crypto/keys.ts'
import { decodeNode, spanAt, type Child, type ManifestNode } from './node.ts'

/** Fetches a node's block, checked against its address. */
export type FetchNode = (address: Address) => Promise<Uint8Array>

/** A part of a blob, in bytes: from `start` up to, not including, `end`. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** A segment that a range touches, and which bytes of its plaintext. */
export interface SegmentPart extends Child, Range {}

/** Opens a root, or any node. What it says is its own word: whoever came from a parent compares. */
export async function openNode(
  node: { address: Address; key: Uint8Array },
  fetch: FetchNode,
  keys?: ReadKeys,
): Promise<ManifestNode> {
  return decodeNode(await fetch(node.address), node.key, keys)
}

/**
 * The segments that hold a range of a blob, in order. Only nodes on the way to them are fetched, one at a
 * time, and one of each level is in memory.
 */
export async function* segmentsIn(
  node: ManifestNode,
  range: Range,
  fetch: FetchNode,
  keys?: ReadKeys,
): AsyncGenerator<SegmentPart> {
  if (!('children' in node))
    throw new DreyError('bad-input', 'a blob inside its root has no segments')
  const span = spanAt(node.depth)
  const last = Math.min(range.end, node.size)
  for (let index = Math.floor(range.start / span); index * span < last; index++) {
    const child = node.children[index]!
    const from = index * span
    const start = Math.max(0, range.start - from)
    const end = Math.min(child.size, last - from)
    if (node.depth === 1) {
      yield { ...child, start, end }
      continue
    }
    const below = await openNode(child, fetch, keys)
    if (below.depth !== node.depth - 1 || below.size !== child.size) {
      throw new DreyError('bad-input', 'not a manifest: a node below does not fit its parent')
    }
    yield* segmentsIn(below, { start, end }, fetch, keys)
  }
}
