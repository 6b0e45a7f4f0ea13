import { formatAddress, type Address } from '../address/address.ts'

const blocksMax = 10_000 // 2 MB; what does not fit is found again by the next pass.

/**
 * Blocks to be mended, the most urgent first: those that survive the fewest losses. When it is full, the
 * least urgent are dropped.
 */
export class Worklist {
  readonly #bySurvival = new Map<number, Map<string, Address>>()
  #size = 0
  #hasDropped = false

  get size(): number {
    return this.#size
  }

  /** Whether something was dropped since this was last asked. */
  takeDropped(): boolean {
    const had = this.#hasDropped
    this.#hasDropped = false
    return had
  }

  add(block: Address, survives: number): void {
    this.delete(block)
    const row = this.#bySurvival.get(survives) ?? new Map<string, Address>()
    this.#bySurvival.set(survives, row.set(formatAddress(block), block))
    this.#size += 1
    if (this.#size > blocksMax) this.#dropLeastUrgent()
  }

  /** The most urgent one, which is on the list no more. */
  next(): Address | undefined {
    const row = this.#bySurvival.get(Math.min(...this.#bySurvival.keys()))
    const block = row?.values().next().value
    if (block !== undefined) this.delete(block)
    return block
  }

  delete(block: Address): void {
    for (const [survives, row] of this.#bySurvival) {
      if (row.delete(formatAddress(block))) this.#size -= 1
      if (row.size === 0) this.#bySurvival.delete(survives)
    }
  }

  clear(): void {
    this.#bySurvival.clear()
    this.#size = 0
  }

  #dropLeastUrgent(): void {
    const row = this.#bySurvival.get(Math.max(...this.#bySurvival.keys()))
    const last = row && [...row.values()].at(-1)
    if (last !== undefined) this.delete(last)
    this.#hasDropped = true
  }
}
