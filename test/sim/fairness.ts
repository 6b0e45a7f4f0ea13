import { formatAddress } from '../../src/address/address.ts'
import type { ShardName } from '../../src/store/store.ts'
import { holdings, spareOf, type Holdings } from './oracle.ts'
import type { People } from './people.ts'
import type { Machine, World } from './world.ts'

const spareShards = 1 // Beyond those that a block takes: one may just be on its way out.
const recoveryMs = 60_000 // Until those who look after a block have had a look.

/**
 * What weather may take so that nothing that was promised is ever lost: no block is left with less than it
 * takes to give it back and one more, and none is hit again at once.
 */
export class Fairness {
  readonly #world: World
  readonly #people: People
  readonly #hitAt = new Map<string, number>()

  constructor(world: World, people: People) {
    this.#world = world
    this.#people = people
  }

  /** Those of a machine's shards that may be lost, all of them at once. */
  async allowed(machine: Machine, names: readonly ShardName[]): Promise<ShardName[]> {
    const all = await holdings(this.#world.machines)
    const underway = new Set([...this.#people.underway].flatMap(({ blocks }) => blocks))
    const owners = this.#owners()
    const now = this.#world.clock.now()
    return names.filter((name) => {
      const block = formatAddress(name.block)
      if (underway.has(block)) return false
      if (now - (this.#hitAt.get(block) ?? -Infinity) < recoveryMs) return false
      const promisedTo = owners.get(block)
      if (promisedTo === undefined)
        this.#world.struck.add(block) // And a put may trust in it later.
      else if (!canSpare(name, machine, leased(name, all, promisedTo))) return false
      this.#hitAt.set(block, now)
      return true
    })
  }

  /** To whom each block was promised. */
  #owners(): Map<string, Set<string>> {
    const owners = new Map<string, Set<string>>()
    for (const [{ blocks }, machines] of this.#people.stored) {
      for (const block of blocks) {
        const known = owners.get(block) ?? new Set()
        owners.set(block, known)
        for (const { id } of machines) known.add(id)
      }
    }
    return owners
  }
}

/** Leaves out who would let a block go that somebody was promised: they have not heard of each other yet. */
function leased({ block }: ShardName, all: Holdings, owners: ReadonlySet<string>): Holdings {
  for (const { homes } of all.get(formatAddress(block))?.values() ?? []) {
    for (const machine of homes.keys()) {
      const known = new Set(machine.leases.book.of(block).map(({ owner }) => owner))
      if (!owners.isSubsetOf(known)) homes.delete(machine)
    }
  }
  return all
}

/** Takes it out, when that leaves enough. */
function canSpare({ block, layout, index }: ShardName, machine: Machine, all: Holdings): boolean {
  const text = formatAddress(block)
  const homes = all.get(text)?.get(layout)?.homes
  const indexes = homes?.get(machine)
  indexes?.delete(index)
  if (indexes?.size === 0) homes!.delete(machine)
  if (spareOf(text, all) >= spareShards) return true
  homes?.set(machine, (indexes ?? new Set()).add(index))
  return false
}
