import { formatAddress, type Address } from '../address/address.ts'
import { isDreyError, messageOf } from '../base/error.ts'
import { Rarely } from '../base/rarely.ts'
import type { Clock } from '../base/clock.ts'
import { isSameCode } from '../coding/code.ts'
import type { LeaseBook } from '../lease/book.ts'
import type { Aims } from './aims.ts'
import { assess } from './assess.ts'
import { mendBlock, type MendParts } from './mendBlock.ts'
import type { MendProgress } from './progress.ts'
import type { Survey } from './survey.ts'
import { Worklist } from './worklist.ts'

/** One is fetched while the other is synced; 1.5 MiB each. */
export const mendsAtOnce = 2

const lostMax = 100 // Addresses that are told one by one.

export interface RepairsParts extends Omit<MendParts, 'leases'> {
  readonly book: LeaseBook
  readonly survey: Survey
  readonly aims: () => Aims
  readonly clock: Clock
}

type Progress = Pick<
  MendProgress,
  'lostBlocks' | 'waiting' | 'remainingMs' | 'mended' | 'recoded' | 'failed'
>

/** The blocks that are to be mended by this node, and what has become of those that were. */
export class Repairs {
  readonly #parts: RepairsParts
  readonly #rarely: Rarely
  readonly #worklist = new Worklist()
  readonly #lost = new Set<string>()
  #done = { mended: 0, recoded: 0, failed: 0 }
  #usualMs = 0

  constructor(parts: RepairsParts) {
    this.#parts = parts
    this.#rarely = new Rarely(parts.clock)
  }

  get progress(): Progress {
    const waiting = this.#worklist.size
    const leftMs = Math.round((waiting * this.#usualMs) / mendsAtOnce)
    const remainingMs = leftMs > 0 ? leftMs : undefined // Before the first one nobody knows.
    return { ...this.#done, lostBlocks: [...this.#lost], waiting, remainingMs }
  }

  /** Mends a block soon: the sooner, the fewer losses it survives. */
  add(block: Address, survives: number): void {
    this.#worklist.add(block, survives)
  }

  /** Whether some were left out because there were too many, since this was last asked. */
  takeDropped(): boolean {
    return this.#worklist.takeDropped()
  }

  /** Mends the most urgent block; whether there was one. */
  async mendNext(): Promise<boolean> {
    const block = this.#worklist.next()
    if (block === undefined) return false
    const { clock, log, signal } = this.#parts
    const started = clock.now()
    try {
      if (await this.#mend(block)) this.#took(clock.now() - started)
    } catch (error) {
      signal.throwIfAborted()
      if (!isDreyError(error)) throw error
      this.#done.failed += 1
      this.#rarely.say('failed', () => {
        log.warn(`a block could not be mended, and will be tried again: ${messageOf(error)}`)
      })
    }
    return true
  }

  /** Looks again before it does anything: another may have mended it meanwhile. */
  async #mend(block: Address): Promise<boolean> {
    const { survey, book, aims, signal } = this.#parts
    const leases = book.carried(block)
    if (leases === undefined) return false
    const [sighting] = await survey.look([block], { signal, isWide: true })
    const { isComplete, survives, code } = assess(sighting!, aims())
    if (survives < 0) this.#lose(block)
    else this.#lost.delete(formatAddress(block))
    if (isComplete || sighting!.isPartial || survives < 0) return false
    const isAnew = ![...sighting!.layouts.values()].some((layout) => isSameCode(layout, code))
    const { sent } = await mendBlock(sighting!, code, { ...this.#parts, leases })
    if (sent > 0) this.#done[isAnew ? 'recoded' : 'mended'] += 1
    return sent > 0
  }

  #lose(block: Address): void {
    const address = formatAddress(block)
    if (this.#lost.has(address) || this.#lost.size >= lostMax) return
    this.#lost.add(address)
    this.#parts.log.error('too few shards of a block are left to give it back', { block: address })
  }

  #took(ms: number): void {
    this.#usualMs = this.#usualMs === 0 ? ms : this.#usualMs * 0.95 + ms * 0.05
  }
}
