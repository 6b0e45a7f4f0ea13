import { DreyError } from '../base/error.ts'
import type { PeerId } from './transporter.ts'

export interface PlacesMax {
  readonly inAll: number
  readonly perMember: number
}

/** Counts what members take up: so much in all, and so much for each of them. */
export class Places {
  readonly #max: PlacesMax
  readonly #taken = new Map<PeerId, number>()
  #count = 0

  constructor(max: PlacesMax) {
    this.#max = max
  }

  get count(): number {
    return this.#count
  }

  /** Takes a place, until it is disposed of. Throws 'busy' when there are too many. */
  take(member: PeerId): Disposable {
    const mine = this.#taken.get(member) ?? 0
    if (this.#count >= this.#max.inAll) throw busy('too many members use this relay')
    if (mine >= this.#max.perMember) throw busy('too many uses of this relay by one member')
    this.#taken.set(member, mine + 1)
    this.#count += 1
    return { [Symbol.dispose]: () => this.#give(member) }
  }

  #give(member: PeerId): void {
    const left = this.#taken.get(member)! - 1
    if (left === 0) this.#taken.delete(member)
    else this.#taken.set(member, left)
    this.#count -= 1
  }
}

function busy(why: string): DreyError {
  return new DreyError('busy', why)
}
