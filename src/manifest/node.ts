import assert from 'node:assert/strict'
import * as dagCbor from '@ipld/dag-cbor'
import { checkAddress, codecs, type Address } from '../address/address.ts'
import { concat, equalBytes, free } from '../base/bytes.ts'
import { DreyError, messageOf } from '../base/error.ts'
import { cryptInPlace } from '../crypto/ctr.ts'
import { contentKey, keyBytes, wrapKey, type ReadKeys } from '../crypto/keys.ts'

/** Bytes of plaintext in each segment of a blob; the last one may be shorter. */
export const segmentBytes = 1 << 20
/** Larger blobs have segments of their own; smaller ones are sealed inside the root. */
export const inlineBytesMax = 64 * 1024
export const childrenMax = 1024
/** 1,024 to the fourth segments: a million terabytes. */
export const depthMax = 4

const version = 1

/** A block below a node: a segment, or a node with children of its own. */
export interface Child {
  readonly address: Address
  readonly key: Uint8Array
  /** Bytes of the blob that are below it. */
  readonly size: number
}

/** An opened node of a manifest. Depth 0 holds the blob itself; at depth 1 the children are segments. */
export type ManifestNode =
  | { readonly depth: 0; readonly size: number; readonly data: Uint8Array }
  | { readonly depth: number; readonly size: number; readonly children: readonly Child[] }

/** What a node's block says to everyone; the rest is sealed in `keys` or `data`. */
interface Fields {
  readonly v: number
  readonly size: number
  readonly depth: number
  readonly kids?: readonly Address[]
  readonly keys?: Uint8Array
  readonly data?: Uint8Array
  readonly wrap?: Uint8Array
}

/** Bytes of the blob below one child of a node at `depth` (the last child may have fewer). */
export function spanAt(depth: number): number {
  return segmentBytes * childrenMax ** (depth - 1)
}

/** Seals a small blob inside its root. */
export function encodeInline(keys: ReadKeys, plaintext: Uint8Array): SealedNode {
  const key = contentKey(keys.segment, plaintext)
  const data = plaintext.slice()
  cryptInPlace(key, 0, data)
  const { length: size } = data
  const sealed = sealedNode({ v: version, size, depth: 0, data, wrap: wrapKey(keys, key) }, key)
  free(data)
  return sealed
}

/** Seals a node over its children. Only the root carries its own wrapped key. */
export function encodeNode(
  keys: ReadKeys,
  depth: number,
  children: readonly Child[],
  isRoot: boolean,
): SealedNode {
  assert.ok(children.length > 0 && children.length <= childrenMax)
  const plain = concat(children.map((child) => child.key))
  const key = contentKey(keys.manifest, plain)
  cryptInPlace(key, 0, plain)
  const fields: Fields = {
    v: version,
    size: children.reduce((sum, child) => sum + child.size, 0),
    depth,
    kids: children.map((child) => child.address),
    keys: plain,
    ...(isRoot ? { wrap: wrapKey(keys, key) } : {}),
  }
  return sealedNode(fields, key)
}

export interface SealedNode {
  readonly block: Uint8Array
  readonly key: Uint8Array
  readonly size: number
}

function sealedNode(fields: Fields, key: Uint8Array): SealedNode {
  return { block: dagCbor.encode(fields), key, size: fields.size }
}

/** The wrapped key of a root, for whoever has the read secret. Throws 'bad-input'. */
export function wrapOf(block: Uint8Array): Uint8Array | undefined {
  const fields = readFields(block)
  freeSealed(fields)
  return fields.wrap
}

/** What a node says to everyone: the blocks right below it. Throws 'bad-input'. */
export function childrenOf(block: Uint8Array): { depth: number; children: readonly Address[] } {
  const fields = readFields(block)
  freeSealed(fields)
  const { depth, kids = [] } = fields
  if (!Array.isArray(kids) || kids.length > childrenMax) throw refuse('its children are not a list')
  return { depth, children: kids.map((kid) => checkKid(kid, depth)) }
}

/**
 * Opens a node whose block was checked against its address. Throws 'bad-input' when it makes no sense,
 * and, for a reader of the swarm it was put in (who gives `keys`), 'corrupt' when it is not genuine.
 */
export function decodeNode(block: Uint8Array, key: Uint8Array, keys?: ReadKeys): ManifestNode {
  const node = openFields(readFields(block), key)
  if (keys === undefined || isGenuine(keys, node, key)) return node
  throw new DreyError('corrupt', 'this address was made by someone who cannot read: it was altered')
}

/** The fields' memory is the node's from then on. */
function openFields(fields: Fields, key: Uint8Array): ManifestNode {
  const { size, depth, kids, keys, data } = fields
  if (depth === 0) {
    if (data?.length !== size || size > inlineBytesMax) throw refuse('its data is not of its size')
    cryptInPlace(key, 0, data)
    return { depth: 0, size, data }
  }
  if (size === 0) throw refuse('it has children of nothing')
  const span = spanAt(depth)
  if (!Array.isArray(kids) || kids.length !== Math.ceil(size / span) || kids.length > childrenMax) {
    throw refuse('its children do not add up to its size')
  }
  if (keys?.length !== kids.length * keyBytes) throw refuse('it has not a key for each child')
  cryptInPlace(key, 0, keys)
  const children = kids.map((kid: Address, index) => ({
    address: checkKid(kid, depth),
    key: keys.slice(index * keyBytes, (index + 1) * keyBytes),
    size: Math.min(span, size - index * span),
  }))
  return { depth, size, children }
}

/**
 * Whether a node was sealed by someone with the read secret: its key is made from what it seals. Someone
 * without it can copy a root, change sealed bytes and keep the wrapped key; that shows here.
 */
function isGenuine(keys: ReadKeys, node: ManifestNode, key: Uint8Array): boolean {
  const made =
    'data' in node
      ? contentKey(keys.segment, node.data)
      : contentKey(keys.manifest, concat(node.children.map((child) => child.key)))
  return equalBytes(made, key)
}

/** Above segments stand nodes, and nothing else. */
function checkKid(kid: unknown, depth: number): Address {
  const address = checkAddress(kid)
  const codec = depth === 1 ? 'raw' : 'dag-cbor'
  if (address.code !== codecs[codec]) throw refuse(`a child at its depth is not ${codec}`)
  return address
}

/** What of them takes most memory, for whoever does not open it. */
function freeSealed({ data, keys }: Fields): void {
  if (data !== undefined) free(data)
  if (keys !== undefined) free(keys)
}

/** The fields are copies: the block is read no more. */
function readFields(block: Uint8Array): Fields {
  let fields: Fields
  try {
    fields = dagCbor.decode(block)
  } catch (cause) {
    throw refuse(messageOf(cause), cause)
  }
  if (typeof fields !== 'object' || fields === null) throw refuse('it is not a map')
  const { v, size, depth, keys, data, wrap } = fields
  if (v !== version) throw refuse(`its version is ${String(v)}, this Drey reads ${version}`)
  if (!Number.isSafeInteger(size) || size < 0) throw refuse('its size is not a size')
  if (!Number.isInteger(depth) || depth < 0 || depth > depthMax)
    throw refuse('its depth is not one')
  for (const bytes of [keys, data, wrap]) {
    if (bytes !== undefined && !(bytes instanceof Uint8Array)) throw refuse('a field is not bytes')
  }
  return fields
}

function refuse(why: string, cause?: unknown): DreyError {
  return new DreyError('bad-input', `not a node of a manifest: ${why}`, { cause })
}
