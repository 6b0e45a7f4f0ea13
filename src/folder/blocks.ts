import type { Address } from '../address/address.ts'
import { isDreyError } from '../base/error.ts'
import { mapAhead } from '../base/flow.ts'
import { inlineBytesMax } from '../manifest/node.ts'
import type { Orchestrator } from '../node/orchestrator.ts'
import { refuse } from './entry.ts'
import type { FindBlob, OpenBlob } from './folder.ts'
import { partsOf, type Part } from './walk.ts'

const partsAhead = 16 // Small ones wait for an answer each.

type Reader = Pick<Orchestrator, 'find' | 'read'>

/** Finds blobs at a node of this process. */
export function finderAt(node: Reader, signal?: AbortSignal): FindBlob {
  return async (address, key) => {
    const blob = await node.find(address, key, { signal })
    const { size } = blob
    return { address, size, read: (range) => node.read(blob, range, { signal }) }
  }
}

export interface BlocksOptions {
  /** A link's; without it the read secret opens the root. */
  readonly key?: Uint8Array
  readonly signal?: AbortSignal
}

/**
 * The addresses of all blocks that a blob stands for: its own, and when it is a folder, those of everything below
 * it. To see that it is a folder takes a key: where there is none, the blob's own are all. A block comes as often
 * as it is there.
 */
export async function* blocksBelow(
  node: Reader & Pick<Orchestrator, 'blocksOf'>,
  root: Address,
  { key, signal }: BlocksOptions,
): AsyncGenerator<Address> {
  const find = finderAt(node, signal)
  const blob = await readable(find, root, key)
  if (blob === undefined) {
    yield* node.blocksOf(root, { signal })
    return
  }
  const look = async (part: Part) => {
    if (isSmall(part)) await checkSmall(node.blocksOf(part.address, { signal }))
    return part
  }
  for await (const part of mapAhead(partsOf(find, blob), partsAhead, look)) {
    if (isSmall(part)) yield part.address
    else yield* node.blocksOf(part.address, { signal })
  }
}

/** Its root is all there is, as its folder says. */
function isSmall({ size }: Part): boolean {
  return size <= inlineBytesMax
}

/** A folder may be somebody else's, and say anything: what is small by its word alone would not be kept whole. */
async function checkSmall(blocks: AsyncIterable<Address>): Promise<void> {
  let count = 0
  for await (const _ of blocks) {
    count += 1
    if (count > 1) throw refuse('something in it is larger than it says')
  }
}

async function readable(
  find: FindBlob,
  root: Address,
  key?: Uint8Array,
): Promise<OpenBlob | undefined> {
  try {
    return await find(root, key)
  } catch (error) {
    if (isDreyError(error, 'no-read-secret')) return undefined
    throw error
  }
}
