import { formatAddress, type Address } from '../address/address.ts'
import { DreyError } from '../base/error.ts'
import { blocksBelow } from '../folder/blocks.ts'
import type { Lease } from '../lease/lease.ts'
import type { LeaseWish } from '../lease/own.ts'
import type { Orchestrator } from '../node/orchestrator.ts'
import type { Aims } from './aims.ts'
import { assess } from './assess.ts'
import type { Survey } from './survey.ts'

const batchBlocks = 64

export interface KeepParts {
  readonly node: Pick<Orchestrator, 'blocksOf' | 'find' | 'leasing' | 'read'>
  readonly survey: Survey
  readonly aims: () => Aims
}

export interface KeepOptions {
  readonly lease?: LeaseWish
  /** A link's, to see what is below a folder. */
  readonly key?: Uint8Array
  readonly signal: AbortSignal
  readonly report?: (blocks: number) => void
}

/**
 * Leases what is stored already, whoever stored it: every block at all who have shards of it; of a folder that
 * can be read, also what is below it. A blob that is none takes no key. Throws 'not-found', or 'not-enough-shards' when a block of it is lost; then the lease has ended.
 */
export async function keepBlob(
  root: Address,
  parts: KeepParts,
  options: KeepOptions,
): Promise<{ blocks: number }> {
  const { lease: wish = {}, key, signal, report = () => {} } = options
  return parts.node.leasing.cover(wish, async (lease) => {
    let blocks = 0
    let batch: Address[] = []
    const flush = async () => {
      const [lost] = await coverBlocks(batch, lease, parts, signal)
      if (lost !== undefined) throw tooFew(lost)
      blocks += batch.length
      batch = []
      report(blocks)
    }
    for await (const block of blocksBelow(parts.node, root, { key, signal })) {
      if (batch.push(block) === batchBlocks) await flush()
    }
    await flush()
    return { address: root, blocks }
  })
}

/** Covers blocks with a lease wherever there are shards of them; those of which there are too few. */
export async function coverBlocks(
  blocks: readonly Address[],
  lease: Lease,
  { survey, aims }: Pick<KeepParts, 'survey' | 'aims'>,
  signal: AbortSignal,
): Promise<Address[]> {
  const sightings = await survey.look(blocks, { signal, isWide: true, leases: [lease] })
  return sightings
    .filter((sighting) => assess(sighting, aims()).survives < 0)
    .map(({ block }) => block)
}

function tooFew(block: Address): DreyError {
  const how = 'wait until more members are here, and keep it again'
  const what = `too few shards of the block ${formatAddress(block)} are here`
  return new DreyError('not-enough-shards', `${what}: ${how}`)
}
