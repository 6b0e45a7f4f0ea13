import { layoutId, type Layout } from '../coding/layout.ts'
import type { Holder } from './holder.ts'

const layoutsMax = 8 // As many as the policy has codes: whoever shows more of one block makes them up.

/** Shards of one layout that are in the slot, or known to be at a holder. */
export interface Candidate {
  readonly layout: Layout
  readonly id: string
  readonly arrived: Map<number, Holder>
  readonly arriving: Set<number>
  /** Whoever said that this is the layout. */
  readonly sources: Set<Holder>
}

/** The layouts of one block that holders have shown, and which of them have been tried. */
export class Candidates {
  readonly #all = new Map<string, Candidate>()
  readonly #tried = new Set<string>()

  get anyTried(): boolean {
    return this.#tried.size > 0
  }

  wasTried(id: string): boolean {
    return this.#tried.has(id)
  }

  /** Not tried again: it lies, or there is not enough of it. */
  leave({ id }: Candidate): void {
    this.#tried.add(id)
  }

  /** Notes who shows a layout. `undefined` when it was tried, or the holder has shown too many. */
  show(layout: Layout, source: Holder): Candidate | undefined {
    const id = layoutId(layout)
    if (this.#tried.has(id)) return undefined
    const fresh = { arrived: new Map<number, Holder>(), arriving: new Set<number>() }
    const candidate = this.#all.get(id) ?? { layout, id, ...fresh, sources: new Set() }
    if (!candidate.sources.has(source) && this.#shownBy(source) >= layoutsMax) return undefined
    candidate.sources.add(source)
    this.#all.set(id, candidate)
    return candidate
  }

  /** The one that most holders have shown, of those not tried. */
  best(): Candidate | undefined {
    return [...this.#all.values()]
      .filter(({ id }) => !this.#tried.has(id))
      .sort((a, b) => b.sources.size - a.sources.size)[0]
  }

  #shownBy(source: Holder): number {
    return [...this.#all.values()].filter(({ sources }) => sources.has(source)).length
  }
}
