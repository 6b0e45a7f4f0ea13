import { codecs, formatAddress, type Address } from '../address/address.ts'
import { parseName } from '../address/name.ts'
import { equalBytes } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { DreyError } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { ReadKeys } from '../crypto/keys.ts'
import type { Notary } from '../transport/notary.ts'
import type { PeerId } from '../transport/transporter.ts'
import { readEntry, signEntry, type Entry, type Slot } from './entry.ts'
import type { Register } from './register.ts'
import type { Spread } from './spread.ts'
import { decodeNameValue, encodeNameValue, openValue, sealValue, slotOfName } from './value.ts'
import type { NameValue } from './value.ts'

/** What a name meant from one time on. */
export interface NameVersion extends NameValue {
  readonly version: number
  readonly at: number
  readonly by: PeerId
}

export interface NamesParts {
  readonly register: Register
  readonly spread: Spread
  readonly notary: Notary
  /** A reader's; without them nothing can be read or set. */
  readonly keys: ReadKeys | undefined
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

const settlingMs = 2_000 // For those who have just come to say what they know; then what is known here counts.

/** The swarm's names: what they mean, what they meant before, and how a reader sets them. */
export class Names {
  readonly #parts: NamesParts

  constructor(parts: NamesParts) {
    this.#parts = parts
  }

  /** What a name means now. Throws 'not-found', 'bad-input', 'no-read-secret'. */
  async get(text: string): Promise<NameVersion & { address: Address }> {
    const name = parseName(text)
    const [newest] = await this.#history(name)
    if (newest?.address !== undefined) return { ...newest, address: newest.address }
    const why = newest ? 'was removed: see drey name log and drey name revert' : 'is not set'
    throw new DreyError(
      'not-found',
      `the name "${name}" ${why}; drey name list shows those that are`,
    )
  }

  /** All that are set, in their order. */
  async list(): Promise<NameVersion[]> {
    const { register, spread } = this.#parts
    this.#keys()
    await spread.settled(settlingMs)
    return register
      .all('name')
      .flatMap((entry) => this.#open(entry) ?? [])
      .filter(({ address }) => address !== undefined)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** What a name has meant, the latest first, as far as it is kept. Throws 'not-found'. */
  async log(text: string): Promise<NameVersion[]> {
    const name = parseName(text)
    const versions = await this.#history(name)
    if (versions.length > 0) return versions
    throw new DreyError('not-found', `nobody has ever set the name "${name}"`)
  }

  /** Sets what a name means; says which members have heard it, the others will. Throws 'full', 'busy'. */
  async set(text: string, address: Address, key?: Uint8Array): Promise<SetName> {
    if (address.code !== codecs['dag-cbor']) {
      throw new DreyError('bad-input', 'this is the address of a part of a blob: name the whole')
    }
    const name = parseName(text)
    await this.#history(name)
    return this.#say({ name, address, ...(key && { key }) })
  }

  /** From now on it means nothing. Throws 'not-found'. */
  async remove(text: string): Promise<SetName> {
    const { name } = await this.get(text)
    return this.#say({ name })
  }

  /** Sets it to what it meant in a version, or before it was changed last. Throws 'not-found'. */
  async revert(text: string, version?: number): Promise<SetName> {
    const name = parseName(text)
    const [newest, ...older] = await this.log(name)
    const isMeant = (one: NameVersion) =>
      version === undefined ? !isSame(one, newest!) : one.version === version
    const chosen = (version === undefined ? older : [newest!, ...older])
      .filter(({ address }) => address !== undefined)
      .find(isMeant)
    if (chosen !== undefined) return this.#say({ ...chosen, name })
    const what = version === undefined ? 'other address' : `address in version ${version}`
    throw new DreyError('not-found', `"${name}" has no ${what} that is known: see drey name log`)
  }

  async #history(name: string): Promise<NameVersion[]> {
    const { register, spread } = this.#parts
    const slot = slotOfName(this.#keys(), name)
    await spread.settled(settlingMs)
    return register.history(slot).flatMap((entry) => this.#open(entry) ?? [])
  }

  async #say(value: NameValue): Promise<SetName> {
    const { register, spread, notary, clock, random } = this.#parts
    const keys = this.#keys()
    const slot = slotOfName(keys, value.name)
    const { name, address, key } = value
    const sealed = sealValue(keys, slot, encodeNameValue({ name, address, key }), random)
    const entry = nextEntry(register, notary, { slot, value: sealed, now: clock.now() })
    if (entry.version === 1 && !register.hasRoom(slot)) {
      throw new DreyError('full', 'this swarm has as many names as it may: set one that is there')
    }
    if (!spread.mayHear(notary.id)) {
      throw new DreyError('busy', 'this node has set very many names: try again in ten minutes')
    }
    const told = await spread.say([entry])
    return { ...value, ...about(entry), told: told.map(({ id }) => id) }
  }

  /** `undefined` for what a member has set that is no name: it is logged. */
  #open(entry: Entry): NameVersion | undefined {
    try {
      const value = decodeNameValue(openValue(this.#keys(), entry.slot, entry.value))
      if (slotOfName(this.#keys(), parseName(value.name)) !== entry.slot) {
        throw new DreyError('protocol', 'it is of another name')
      }
      return { ...value, ...about(entry) }
    } catch (error) {
      this.#parts.log.debug('a name cannot be read', { by: entry.by.id, error })
      return undefined
    }
  }

  #keys(): ReadKeys {
    if (this.#parts.keys !== undefined) return this.#parts.keys
    const how = 'give an address or a link, or ask at a node whose role is reader'
    throw new DreyError('no-read-secret', `this node cannot read names: ${how}`)
  }
}

/** What was set, and the members that have heard it. */
export interface SetName extends NameVersion {
  readonly told: readonly PeerId[]
}

/** Signs what comes after the newest that is known of a slot. */
export function nextEntry(
  register: Register,
  notary: Notary,
  { slot, value, now }: { slot: Slot; value: Uint8Array; now: number },
): Entry {
  const version = (register.newest(slot)?.version ?? 0) + 1
  const at = Math.max(now, version)
  return readEntry(notary, signEntry(notary, { slot, version, at, value }))
}

function about({ version, at, by }: Entry): Pick<NameVersion, 'version' | 'at' | 'by'> {
  return { version, at, by: by.id }
}

function isSame(a: NameValue, b: NameValue): boolean {
  const none = new Uint8Array()
  const texts = [a, b].map(({ address }) => address && formatAddress(address))
  return texts[0] === texts[1] && equalBytes(a.key ?? none, b.key ?? none)
}
