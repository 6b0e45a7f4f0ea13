import { formatAddress, type Address } from '../address/address.ts'
import { isDreyError } from '../base/error.ts'
import type { Lease } from '../lease/lease.ts'
import { inlineBytesMax } from '../manifest/node.ts'
import { coverBlocks, type KeepParts } from './keepBlob.ts'

const blocksAtOnce = 64 // Members are asked for so many in one question.

interface Asked {
  readonly block: Address
  readonly tell: (isHere: boolean) => void
  readonly fail: (error: unknown) => void
}

/** Covers blobs that are stored already with one lease: what is asked while a question is under way goes into the next. */
export class Covering {
  readonly #parts: KeepParts
  readonly #lease: Lease
  readonly #signal: AbortSignal
  readonly #asked: Asked[] = []
  #isAsking = false

  constructor(parts: KeepParts, lease: Lease, signal: AbortSignal) {
    this.#parts = parts
    this.#lease = lease
    this.#signal = signal
  }

  /** Whether all of a blob is there; then it is covered. */
  async cover({ address, size }: { address: Address; size: number }): Promise<boolean> {
    if (size <= inlineBytesMax) return this.#cover(address) // The root is all there is.
    try {
      const blocks: Promise<boolean>[] = []
      for await (const block of this.#parts.node.blocksOf(address, { signal: this.#signal })) {
        blocks.push(this.#cover(block))
        if (blocks.length < blocksAtOnce) continue
        if (!(await areAll(blocks.splice(0)))) return false
      }
      return await areAll(blocks)
    } catch (error) {
      if (isDreyError(error, 'not-found') || isDreyError(error, 'not-enough-shards')) return false
      throw error
    }
  }

  #cover(block: Address): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    this.#asked.push({ block, tell: resolve, fail: reject })
    if (!this.#isAsking) void this.#ask()
    return promise
  }

  async #ask(): Promise<void> {
    this.#isAsking = true
    while (this.#asked.length > 0) {
      const some = this.#asked.splice(0, blocksAtOnce)
      try {
        const blocks = some.map(({ block }) => block)
        const lost = await coverBlocks(blocks, this.#lease, this.#parts, this.#signal)
        const missing = new Set(lost.map(formatAddress))
        for (const { block, tell } of some) tell(!missing.has(formatAddress(block)))
      } catch (error) {
        for (const { fail } of some) fail(error)
      }
    }
    this.#isAsking = false
  }
}

async function areAll(blocks: Promise<boolean>[]): Promise<boolean> {
  return (await Promise.all(blocks)).every((isHere) => isHere)
}
