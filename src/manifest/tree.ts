import { DreyError } from '../base/error.ts'
import type { Address } from '../address/address.ts'
import { childrenOf, depthMax } from './node.ts'
import type { FetchNode } from './reader.ts'

/**
 * The addresses of all blocks of a blob, the root first, each after the node above it; a block that the
 * blob has twice comes twice. It takes no key: what is below a node is public. One node of each level is
 * in memory. Throws 'bad-input' when it is no manifest, and what `fetch` throws.
 */
export async function* blocksOf(root: Address, fetch: FetchNode): AsyncGenerator<Address> {
  yield root
  yield* below(root, fetch, depthMax + 1)
}

async function* below(node: Address, fetch: FetchNode, above: number): AsyncGenerator<Address> {
  const { depth, children } = childrenOf(await fetch(node))
  if (depth >= above) throw new DreyError('bad-input', 'not a manifest: it does not end')
  for (const child of children) {
    yield child
    if (depth > 1) yield* below(child, fetch, depth)
  }
}
