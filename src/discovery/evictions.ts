import { blake3 } from '../address/blake3.ts'
import { concat, toHex } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import type { Vouched } from '../transport/door.ts'
import type { PeerId } from '../transport/transporter.ts'
import type { Eviction } from './eviction.ts'

const evictionsMax = 4_096

/**
 * Who was evicted. Statements are kept for ever, and they settle among themselves: one counts unless its
 * signer was evicted by somebody whose chain is shorter. So issuers of equal standing who evict each other
 * are both out, and nobody evicted can undo it.
 */
export class Evictions {
  /** By signer and subject. */
  readonly #all = new Map<string, Eviction>()
  #counting: readonly Eviction[] = []
  #sum = ''

  /** Whether it says something new. Throws 'full' when there are too many. */
  add(eviction: Eviction): boolean {
    const name = `${eviction.by.id} ${eviction.subject}`
    const known = this.#all.get(name)
    if (known !== undefined && known.at >= eviction.at) return false
    if (known === undefined && this.#all.size >= evictionsMax) {
      throw new DreyError('full', `there are ${evictionsMax} evictions already`)
    }
    this.#all.set(name, eviction)
    this.#settle()
    return true
  }

  /** Why this member is not wanted, or `undefined`. */
  whyNot({ id, issuers }: Vouched): string | undefined {
    for (const { subject, spared } of this.#counting) {
      if (subject === id) return 'it was evicted from the swarm'
      const at = issuers.findIndex(({ member }) => member === subject)
      if (at < 0 || spared.includes(id)) continue
      // A name in a chain is the word of who stands above it: only keys are not for the evicted to choose.
      if (issuers.slice(0, at).some(({ key }) => spared.includes(key))) continue
      return `it was admitted by ${subject}, who was evicted from the swarm`
    }
    return undefined
  }

  /** Whether a certificate that this member's authority has signed should be replaced by another's. */
  isEvicted(id: PeerId): boolean {
    return this.#counting.some(({ subject }) => subject === id)
  }

  all(): readonly Eviction[] {
    return [...this.#all.values()]
  }

  /** A hash of all statements: the same for whoever knows the same. */
  get sum(): string {
    return this.#sum
  }

  #settle(): void {
    const standing = ({ by }: Eviction) => by.issuers.length
    const counting: Eviction[] = []
    for (const eviction of this.all().toSorted((a, b) => standing(a) - standing(b))) {
      const overruled = counting.some(
        (other) => standing(other) < standing(eviction) && other.subject === eviction.by.id,
      )
      if (!overruled) counting.push(eviction)
    }
    this.#counting = counting
    const sorted = this.all()
      .map(({ bytes }) => blake3.hash(bytes))
      .sort((a, b) => Buffer.compare(a, b))
    this.#sum = toHex(blake3.hash(concat(sorted)))
  }
}
