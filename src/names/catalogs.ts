import type { Clock } from '../base/clock.ts'
import { DreyError } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { ReadKeys } from '../crypto/keys.ts'
import type { Notary } from '../transport/notary.ts'
import type { PeerId } from '../transport/transporter.ts'
import type { Entry, Slot } from './entry.ts'
import { nextEntry } from './names.ts'
import type { Register } from './register.ts'
import type { Spread } from './spread.ts'
import { decodeCatalogValue, encodeCatalogValue, openValue, sealValue } from './value.ts'
import type { CatalogValue } from './value.ts'

/** Where the list of what a member stored is, and what is known of it. */
export interface MembersCatalog extends CatalogValue {
  readonly member: PeerId
  /** When it was told; milliseconds since 1970. */
  readonly at: number
}

export interface CatalogsParts {
  readonly register: Register
  readonly spread: Spread
  readonly notary: Notary
  readonly keys: ReadKeys
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** Where the lists of what each member stored are: each says so of its own, sealed for readers. */
export class Catalogs {
  readonly #parts: CatalogsParts

  constructor(parts: CatalogsParts) {
    this.#parts = parts
  }

  /** Those of all members that have ever told one, the latest first. */
  all(): MembersCatalog[] {
    return this.#parts.register
      .all('catalog')
      .flatMap((entry) => this.#open(entry) ?? [])
      .sort((a, b) => b.at - a.at)
  }

  /** That of one member. Throws 'not-found'. */
  of(member: PeerId): MembersCatalog {
    const entry = this.#parts.register.newest(`catalog:${member}`)
    const catalog = entry && this.#open(entry)
    if (catalog !== undefined) return catalog
    throw new DreyError(
      'not-found',
      `nobody here knows a catalog of ${member}: see drey recover --list`,
    )
  }

  /** Says where this member's own is from now on; members that are here have heard it. */
  async tell(value: CatalogValue): Promise<void> {
    const { register, spread, notary, keys, clock, random } = this.#parts
    const slot: Slot = `catalog:${notary.id}`
    const sealed = sealValue(keys, slot, encodeCatalogValue(value), random)
    await spread.say([nextEntry(register, notary, { slot, value: sealed, now: clock.now() })])
  }

  #open({ slot, value, at, by }: Entry): MembersCatalog | undefined {
    try {
      const read = decodeCatalogValue(openValue(this.#parts.keys, slot, value))
      return { ...read, member: slot.slice('catalog:'.length), at }
    } catch (error) {
      this.#parts.log.debug('where a catalog is cannot be read', { by: by.id, error })
      return undefined
    }
  }
}
