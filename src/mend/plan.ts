import type { Address } from '../address/address.ts'
import { isSameCode, policyFor, shardBytesOf, type Code } from '../coding/code.ts'
import type { Holder } from '../node/holder.ts'
import { placementOrder } from '../node/placement.ts'
import { survivalOf } from '../node/survival.ts'
import type { PeerId } from '../transport/transporter.ts'
import type { Aims } from './aims.ts'
import { assess, type Evidence } from './assess.ts'

/** A change of the swarm that somebody thinks about. */
export interface Change {
  /** Members that would go. */
  readonly without: readonly PeerId[]
  /** Whether they would hand over what they hold, or are just gone. */
  readonly isSudden: boolean
  /** What members would offer instead. */
  readonly capacities: Readonly<Record<PeerId, number>>
  /** What everything would be coded in instead. */
  readonly code?: Code
}

/** What a change would take, for the blocks that one member looks after; all members' add up. */
export interface Plan {
  readonly blocks: number
  /** Blocks that would be coded anew. */
  readonly recoded: number
  /** Bytes from one member to another, by their ids. */
  readonly moves: readonly (readonly [from: PeerId, to: PeerId, bytes: number])[]
  /** Losses that the block that is worst off would survive until it is done, and after it. */
  readonly meanwhile?: number
  readonly afterwards?: number
}

/** Adds up what a change takes, block by block. */
export class Planning {
  readonly #change: Change
  readonly #moves = new Map<string, readonly [PeerId, PeerId, number]>()
  #blocks = 0
  #recoded = 0
  #meanwhile: number | undefined
  #afterwards: number | undefined

  constructor(change: Change) {
    this.#change = change
  }

  /** With `block` as it stands now. */
  add(block: Address, evidence: Evidence, aims: Aims): void {
    const after = this.#orderAfter(block, evidence)
    const target = this.#aimsAfter(after, aims)
    const { code, survives } = assess({ ...evidence, order: after }, target)
    const now = presentIn(code, evidence)
    this.#blocks += 1
    this.#note(this.#survivesMeanwhile(evidence, survives), Math.min(code.n, after.length) - code.k)
    if (now === undefined) this.#codeAnew(code, evidence, after)
    else this.#move(now, after)
  }

  /** `share` is how much of all blocks were looked at. */
  outcome(share = 1): Plan {
    const scaled = (count: number) => Math.round(count / share)
    return {
      blocks: scaled(this.#blocks),
      recoded: scaled(this.#recoded),
      moves: [...this.#moves.values()].map(([from, to, bytes]) => [from, to, scaled(bytes)]),
      meanwhile: this.#meanwhile,
      afterwards: this.#afterwards,
    }
  }

  #orderAfter(block: Address, { order }: Evidence): Holder[] {
    const { without, capacities } = this.#change
    const members = order
      .map((holder) => ({ holder, ...holder.member }))
      .filter(({ id }) => !without.includes(id))
      .map((member) => ({ ...member, capacity: capacities[member.id] ?? member.capacity }))
      .filter(({ capacity }) => capacity > 0)
    return placementOrder(block, members).map(({ holder }) => holder)
  }

  #aimsAfter(after: readonly Holder[], { set }: Aims): Aims {
    const code = policyFor(after.length)
    return { set: this.#change.code ?? set, target: code, now: code, members: after.length }
  }

  /** Whoever hands over stays until it has. */
  #survivesMeanwhile(evidence: Evidence, survives: number): number {
    const { without, isSudden } = this.#change
    if (!isSudden) return survives
    const isHere = (holder: Holder) => !without.includes(holder.member.id)
    const held = new Map([...evidence.held].filter(([holder]) => isHere(holder)))
    return Math.max(
      -1,
      ...layoutsIn({ ...evidence, held }).map((one) => survivalOf(one, one.homes)),
    )
  }

  #note(meanwhile: number, afterwards: number): void {
    this.#meanwhile = Math.min(this.#meanwhile ?? Infinity, meanwhile)
    this.#afterwards = Math.min(this.#afterwards ?? Infinity, Math.max(0, afterwards))
  }

  /** Of a layout in another code: all shards are new. */
  #codeAnew(code: Code, evidence: Evidence, after: readonly Holder[]): void {
    const [best] = layoutsIn(evidence).sort((a, b) => b.homes.size - a.homes.size)
    if (best === undefined) return
    this.#recoded += 1
    this.#rebuild(best, after, after.slice(0, code.n), shardBytesOf(code, best.size))
  }

  /** Shards of those who should not have them go to those who should; of those who are gone, they are made anew. */
  #move(present: Present, after: readonly Holder[]): void {
    const { homes, n, size } = present
    const bytes = shardBytesOf(present, size)
    const wanted = after.slice(0, n)
    const lacking = wanted.filter((holder) => !homes.has(holder))
    if (this.#change.isSudden) return this.#rebuild(present, after, lacking, bytes)
    const leaving = [...homes.keys()].filter((holder) => !wanted.includes(holder))
    for (const [at, from] of leaving.entries()) {
      const to = lacking[at] ?? wanted[at % Math.max(1, wanted.length)]
      if (to !== undefined) this.#count(from, to, bytes)
    }
  }

  /** The first holder that stays fetches k shards, and sends those that others lack. */
  #rebuild(from: Present, after: readonly Holder[], to: readonly Holder[], bytes: number): void {
    const sources = after.filter((holder) => from.homes.has(holder))
    const mender = sources[0] ?? after[0]
    if (mender === undefined || to.length === 0) return
    for (const source of sources.slice(0, from.k)) {
      this.#count(source, mender, shardBytesOf(from, from.size))
    }
    for (const holder of to) this.#count(mender, holder, bytes)
  }

  #count(from: Holder, to: Holder, bytes: number): void {
    if (from === to) return
    const key = `${from.member.id} ${to.member.id}`
    const before = this.#moves.get(key)?.[2] ?? 0
    this.#moves.set(key, [from.member.id, to.member.id, before + bytes])
  }
}

interface Present extends Code {
  readonly size: number
  readonly homes: Map<Holder, Set<number>>
}

function layoutsIn({ held, layouts }: Evidence): Present[] {
  return [...layouts].map(([id, { k, n, size }]) => {
    const homes = new Map<Holder, Set<number>>()
    for (const [holder, shards] of held) {
      const indexes = shards.filter(({ layout }) => layout === id).map(({ index }) => index)
      if (indexes.length > 0) homes.set(holder, new Set(indexes))
    }
    return { k, n, size, homes }
  })
}

function presentIn(code: Code, evidence: Evidence): Present | undefined {
  return layoutsIn(evidence).find((one) => isSameCode(one, code) && one.homes.size > 0)
}
