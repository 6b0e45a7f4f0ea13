import { codecs, formatAddress, parseAddress, type Address } from '../address/address.ts'
import { DreyError } from '../base/error.ts'
import type { Bytes } from '../base/bytes.ts'
import { mapAhead } from '../base/flow.ts'
import { readCar, type SealedBlock } from '../folder/car.ts'
import type { Lease } from '../lease/lease.ts'
import type { LeaseWish } from '../lease/own.ts'
import { childrenOf } from '../manifest/node.ts'
import type { Orchestrator } from '../node/orchestrator.ts'
import { describeReceipt, nothingPut, sumOf, type Receipt } from '../node/receipt.ts'
import { coverBlocks, type KeepParts } from './keepBlob.ts'

const blocksAhead = 2 // Each takes a slot, as a segment that is put.
const askedAtOnce = 64

export interface ImportParts extends KeepParts {
  readonly node: KeepParts['node'] & Pick<Orchestrator, 'block' | 'putSealed'>
}

export interface ImportOptions {
  readonly lease?: LeaseWish
  readonly signal: AbortSignal
  readonly report?: (blocks: number) => void
}

/** What came of an import. */
export interface Imported extends Receipt {
  readonly address: string
  readonly summary: string
}

/**
 * Stores the sealed blocks of a CAR under one lease, without a key. Each is checked against its address before it
 * is stored, and at the end whatever a block says is below it has to be there. Throws 'bad-input' otherwise: then
 * nothing is kept.
 */
export async function importCar(
  source: Bytes,
  parts: ImportParts,
  { lease: wish = {}, signal, report = () => {} }: ImportOptions,
): Promise<Imported> {
  const { roots, blocks } = await readCar(source)
  const [root] = roots as [Address]
  if (root.code !== codecs['dag-cbor'] || roots.length > 1) {
    throw new DreyError('bad-input', 'this CAR is not of one blob: only what drey export makes is')
  }
  let receipt: Receipt | undefined
  await parts.node.leasing.cover(wish, async (lease) => {
    const upper = new Set<string>()
    let isRootThere = false
    const store = async ({ address, bytes }: SealedBlock) => {
      if (hasChildren(address, bytes)) upper.add(formatAddress(address))
      isRootThere ||= address.equals(root)
      return parts.node.putSealed(lease, address, bytes, signal)
    }
    for await (const stored of mapAhead(blocks, blocksAhead, store)) {
      receipt = receipt === undefined ? stored : sumOf(receipt, stored)
      report(receipt.blocks)
    }
    if (!isRootThere) throw notWhole(root)
    for (const name of upper) {
      const lost = await coverBelow(parseAddress(name), lease, parts, signal)
      if (lost !== undefined) throw notWhole(lost)
    }
    return { address: root }
  })
  const total = receipt ?? nothingPut
  return { address: formatAddress(root), ...total, summary: describeReceipt(total) }
}

function hasChildren(address: Address, bytes: Uint8Array): boolean {
  return address.code === codecs['dag-cbor'] && childrenOf(bytes).children.length > 0
}

/** Covers what is below a block, whether it came with the CAR or was here; one that is not here. */
async function coverBelow(
  address: Address,
  lease: Lease,
  parts: ImportParts,
  signal: AbortSignal,
): Promise<Address | undefined> {
  const { children } = childrenOf(await parts.node.block(address, { signal }))
  for (let at = 0; at < children.length; at += askedAtOnce) {
    const some = children.slice(at, at + askedAtOnce)
    const [lost] = await coverBlocks(some, lease, parts, signal)
    if (lost !== undefined) return lost
  }
  return undefined
}

function notWhole(missing: Address): DreyError {
  const what = `the block ${formatAddress(missing)} is not in it`
  return new DreyError('bad-input', `this CAR is not whole, ${what}: nothing of it is kept`)
}
