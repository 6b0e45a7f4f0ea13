import { hashOf, type Address } from '../address/address.ts'
import { isDreyError } from '../base/error.ts'
import { concat } from '../base/bytes.ts'
import { copiesBelowBytes, shardBytesOf } from '../coding/code.ts'
import { layoutId, type Layout } from '../coding/layout.ts'
import { blockBytesMax, type Slot } from '../pipe/pool.ts'
import { Candidates, type Candidate } from './candidates.ts'
import type { GatherParts } from './gatherParts.ts'
import type { Holder } from './holder.ts'
import { shortfall, type Lack } from './shortfall.ts'

/** Something wrong that a read met at a holder, and went on without. */
export interface Finding {
  /** It had rotted at the member, which set it aside; its bytes were wrong; or its layout is of another block. */
  readonly what: 'rotted-shard' | 'wrong-shard' | 'false-layout'
  /** The member's name. */
  readonly member: string
  /** The address of the block. */
  readonly block: string
  /** Which of the block's shards it is, from 0 on. */
  readonly index: number
}

/**
 * Makes a block whole in a slot: asks as many holders as it takes at once, asks another when one is slow
 * or has nothing, and when those who should have it do not, asks everyone. The bytes are checked against
 * the address before they are opened; wrong ones are named and replaced. Resolves to the block's size;
 * with a `key` the slot then holds the plaintext, without one the block.
 */
export async function gather(
  block: Address,
  key: Uint8Array | undefined,
  slot: Slot,
  parts: GatherParts,
): Promise<number> {
  return new Gathering(block, key, slot, parts).run()
}

const askedMax = 16 // More than the shards of one layout that a member can come to hold.

class Gathering {
  readonly #block: Address
  readonly #key: Uint8Array | undefined
  readonly #slot: Slot
  readonly #parts: GatherParts
  readonly #queue: Holder[]
  readonly #asked = new Set<Holder>()
  /** How often each was asked for this layout: a liar that always has another shard is left in the end. */
  readonly #times = new Map<Holder, number>()
  /** Not asked again: they sent wrong bytes, or are gone or too slow. */
  readonly #left = new Set<Holder>()
  readonly #underway = new Map<Promise<void>, Holder>()
  readonly #candidates = new Candidates()
  /** Holders that have a shard which was not taken: another gave the same one, or enough had come. */
  readonly #spare: Holder[] = []
  /** Holders that had nothing beside what had come: asked again when something of that turns out to be wrong. */
  readonly #hushed: Holder[] = []
  readonly #fellShort: Lack[] = []
  #current: Candidate | undefined
  #everyoneAsked = false

  constructor(block: Address, key: Uint8Array | undefined, slot: Slot, parts: GatherParts) {
    this.#block = block
    this.#key = key
    this.#slot = slot
    this.#parts = parts
    this.#queue = parts.holders.slice(0, parts.likely)
  }

  async run(): Promise<number> {
    for (;;) {
      await this.#fetchEnough()
      const { layout, arrived, sources } = this.#current!
      const { ok, wrong } = await this.#open(this.#current!)
      if (ok) return this.#whole(layout)
      for (const index of wrong) {
        const liar = arrived.get(index)!
        this.#name('wrong-shard', liar, index)
        this.#left.add(liar)
        arrived.delete(index)
      }
      this.#queue.push(...this.#spare.splice(0))
      if (wrong.length > 0) {
        this.#queue.push(...this.#hushed.splice(0))
        continue
      }
      for (const source of sources) this.#name('false-layout', source, 0)
      this.#candidates.leave(this.#current!)
      this.#turnTo(undefined)
    }
  }

  /** A blob that was put when the swarm was smaller takes fewer shards; asking for more of each is waste. */
  #whole({ size, k }: Layout): number {
    if (size >= copiesBelowBytes) this.#parts.guess.shards = k // Small blocks are copies in any swarm.
    return size
  }

  /** Returns when k shards of one layout are in the slot and nobody writes into it any more. */
  async #fetchEnough(): Promise<void> {
    const controller = new AbortController()
    const signal = AbortSignal.any([this.#parts.signal, controller.signal])
    try {
      while (this.#missing() > 0) {
        this.#parts.signal.throwIfAborted()
        while (this.#underway.size < this.#missing() && this.#askNext(signal)) continue
        if (this.#underway.size > 0) await this.#waitOrHedge(signal)
        else await this.#lookFurther(signal)
      }
    } finally {
      controller.abort(new Error('enough shards have come'))
      await Promise.all(this.#underway.keys())
    }
  }

  #missing(): number {
    const current = this.#current
    return current ? current.layout.k - current.arrived.size : this.#parts.guess.shards
  }

  #askNext(signal: AbortSignal): boolean {
    const timesOf = (holder: Holder) => this.#times.get(holder) ?? 0
    const isOver = (holder: Holder) => this.#left.has(holder) || timesOf(holder) >= askedMax
    let holder = this.#queue.shift()
    while (holder !== undefined && isOver(holder)) holder = this.#queue.shift()
    if (holder === undefined) return false
    this.#times.set(holder, timesOf(holder) + 1)
    const asking = this.#ask(holder, signal)
    this.#underway.set(asking, holder)
    void asking.then(() => this.#underway.delete(asking))
    return true
  }

  /** Asks one holder; whatever comes of it is noted, nothing is thrown. */
  async #ask(holder: Holder, signal: AbortSignal): Promise<void> {
    this.#asked.add(holder)
    const taken: { candidate?: Candidate; index?: number } = {}
    const started = this.#parts.clock.now()
    try {
      const layout = this.#current?.id ?? (await this.#untriedOf(holder, signal))
      if (layout === undefined && this.#candidates.anyTried) return
      const wanted = { layout, without: [...(this.#current?.arrived.keys() ?? [])] }
      const into = (layout: Layout, index: number) => this.#accept(holder, layout, index, taken)
      const { fetched, rotted } = await holder.fetch(this.#block, wanted, into, signal)
      for (const index of rotted) this.#name('rotted-shard', holder, index)
      if (fetched === undefined) {
        if (wanted.without.length > 0) this.#hushed.push(holder)
        return
      }
      this.#parts.pace.took(this.#parts.clock.now() - started)
      const { candidate, index } = taken
      if (candidate !== undefined && candidate === this.#current) {
        candidate.arrived.set(index!, holder)
        this.#parts.met?.(holder.member.id)
      }
      const fits = layout === undefined || layout === layoutId(fetched.layout)
      if (candidate === undefined && fits) this.#spare.push(holder)
      if (candidate === undefined || fetched.also.length === 0) return
      const hasMore = fetched.also.some((other) => !this.#current?.arrived.has(other))
      if (hasMore) this.#queue.push(holder)
      else this.#spare.push(holder) // What it also has came from others: it may turn out to be wrong.
    } catch (error) {
      if (signal.aborted) this.#spare.push(holder)
      else {
        this.#left.add(holder)
        if (isDreyError(error, 'protocol')) this.#name('false-layout', holder, 0)
        // Otherwise weather: it is gone, or slow. The next one is asked.
      }
    } finally {
      if (taken.index !== undefined) taken.candidate?.arriving.delete(taken.index)
    }
  }

  /** After a layout has failed, a holder would answer with it again: it is asked what else it has. */
  async #untriedOf(holder: Holder, signal: AbortSignal): Promise<string | undefined> {
    if (!this.#candidates.anyTried) return undefined
    const held = await holder.have(this.#block, signal)
    return held.find(({ layout }) => !this.#candidates.wasTried(layout))?.layout
  }

  /** Where an arriving shard goes, when it is wanted. */
  #accept(
    holder: Holder,
    layout: Layout,
    index: number,
    taken: { candidate?: Candidate; index?: number },
  ): Uint8Array | undefined {
    if (!layout.block.equals(this.#block) || layout.size > blockBytesMax) return undefined
    if (index >= layout.n) return undefined
    const candidate = this.#candidates.show(layout, holder)
    if (candidate === undefined) return undefined
    this.#current ??= candidate
    if (candidate !== this.#current) return undefined
    if (candidate.arrived.has(index) || candidate.arriving.has(index)) return undefined
    // Copies all stand in one place: one at a time.
    if (layout.k === 1 && candidate.arrived.size + candidate.arriving.size > 0) return undefined
    candidate.arriving.add(index)
    taken.candidate = candidate
    taken.index = index
    return this.#slot.shard(index, layout.k, shardBytesOf(layout, layout.size))
  }

  /** Waits for an answer; when none comes for long, asks one more holder than it takes. */
  async #waitOrHedge(signal: AbortSignal): Promise<void> {
    const hedgeMs = Math.max(this.#parts.limits.hedgeFloorMs, this.#parts.pace.usualMs * 3)
    const timer = new AbortController()
    const slow = this.#parts.clock.sleep(hedgeMs, timer.signal).then(
      () => 'slow',
      () => 'not needed',
    )
    const outcome = await Promise.race([slow, ...this.#underway.keys()])
    timer.abort()
    if (outcome !== 'slow' || this.#askNext(signal) || this.#underway.size === 0) return
    await Promise.race(this.#underway.keys())
  }

  /** Nobody is left in the queue: everyone else is asked, then another layout is tried. */
  async #lookFurther(signal: AbortSignal): Promise<void> {
    if (this.#spare.length > 0) {
      this.#queue.push(...this.#spare.splice(0))
      return
    }
    if (!this.#everyoneAsked) {
      this.#everyoneAsked = true
      await this.#broadcast(signal)
      return
    }
    const left = this.#current
    if (left) {
      this.#fellShort.push({ needed: left.layout.k, found: left.arrived.size })
      this.#candidates.leave(left)
    }
    const next = this.#candidates.best()
    if (left === undefined && next === undefined) {
      const [asked, absent] = [this.#asked.size, this.#parts.absent()]
      throw shortfall(this.#block, { asked, absent, fellShort: this.#fellShort })
    }
    this.#turnTo(next)
  }

  /** Reactive broadcast: one small question to everyone not asked yet; answers count as they come. */
  async #broadcast(signal: AbortSignal): Promise<void> {
    const others = this.#parts.holders.filter((holder) => !this.#asked.has(holder))
    const asks = others.map(async (holder) => {
      this.#asked.add(holder)
      const held = await holder.have(this.#block, signal).catch(() => []) // Weather: it has nothing to say.
      if (held.length === 0) return
      this.#queue.push(holder)
      if (this.#underway.size < this.#missing()) this.#askNext(signal)
    })
    const everyone = Promise.all(asks).then(() => {})
    // Shards may be enough before the last has answered.
    while ((await Promise.race([everyone.then(() => true), ...this.#underway.keys()])) !== true) {
      if (this.#missing() <= 0) return
    }
  }

  /** Leaves this layout for another, or for whichever else comes. */
  #turnTo(next: Candidate | undefined): void {
    this.#current = next
    next?.arrived.clear()
    this.#times.clear()
    this.#hushed.length = 0
    const sources = next?.sources ?? new Set<Holder>()
    this.#queue.splice(0, Infinity, ...new Set([...sources, ...this.#asked]))
  }

  async #open({ layout, arrived }: Candidate): Promise<{ ok: boolean; wrong: readonly number[] }> {
    return this.#parts.crew.open({
      type: 'open',
      dataAt: this.#slot.dataAt,
      parityAt: this.#slot.parityAt,
      size: layout.size,
      k: layout.k,
      n: layout.n,
      hash: hashOf(this.#block),
      digest: this.#block.multihash.digest,
      shards: concat(layout.shards),
      present: [...arrived.keys()],
      key: this.#key,
    })
  }

  #name(what: Finding['what'], holder: Holder, index: number): void {
    this.#parts.found({ what, member: holder.member.id, block: String(this.#block), index })
  }
}
