import type { Address } from '../address/address.ts'
import type { Link } from '../address/link.ts'
import type { ReadKeys } from '../crypto/keys.ts'
import { childrenMax, encodeInline, encodeNode, type Child, type SealedNode } from './node.ts'

/** Stores a node's block and says its address. */
export type Emit = (block: Uint8Array) => Promise<Address>

/**
 * Builds the manifest of a blob whose segments come in order, in memory of the tree's depth. The same
 * segments give the same tree: every node is full, except the last of each level.
 */
export class ManifestWriter {
  readonly #keys: ReadKeys
  readonly #emit: Emit
  /** Children that have no parent yet: those at index i go under a node of depth i + 1. */
  readonly #levels: Child[][] = [[]]

  constructor(keys: ReadKeys, emit: Emit) {
    this.#keys = keys
    this.#emit = emit
  }

  /** Appends a segment. */
  async add(segment: Child): Promise<void> {
    await this.#push(0, segment)
  }

  /** Writes what is left, the root last, and gives the link to the whole. */
  async finish(): Promise<Link & { size: number }> {
    for (let level = 0; level < this.#levels.length - 1; level++) {
      await this.#push(level + 1, await this.#flush(level, false))
    }
    return this.#flush(this.#levels.length - 1, true)
  }

  async #push(level: number, child: Child): Promise<void> {
    const children = (this.#levels[level] ??= [])
    // A full node waits for the next child: were there none, it would be the root.
    if (children.length === childrenMax)
      await this.#push(level + 1, await this.#flush(level, false))
    this.#levels[level].push(child) // Not `children`: the flush has put a new list there.
  }

  async #flush(level: number, isRoot: boolean): Promise<Child> {
    const children = this.#levels[level]!
    this.#levels[level] = []
    return emitNode(encodeNode(this.#keys, level + 1, children, isRoot), this.#emit)
  }
}

/** A blob small enough to be sealed in its root. */
export async function writeInline(
  keys: ReadKeys,
  plaintext: Uint8Array,
  emit: Emit,
): Promise<Link & { size: number }> {
  return emitNode(encodeInline(keys, plaintext), emit)
}

async function emitNode({ block, key, size }: SealedNode, emit: Emit): Promise<Child> {
  return { address: await emit(block), key, size }
}
