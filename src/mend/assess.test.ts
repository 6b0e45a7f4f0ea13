import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressOf } from '../address/address.ts'
import { between, seededRandom, type Random } from '../base/random.ts'
import { policyFor, type Code } from '../coding/code.ts'
import type { Layout } from '../coding/layout.ts'
import type { Held, Holder } from '../node/holder.ts'
import { nextHome, placementOrder } from '../node/placement.ts'
import type { Aims } from './aims.ts'
import { assess, type Verdict } from './assess.ts'

const size = 1 << 20
const block = addressOf('raw', 'blake3', new Uint8Array(size).fill(3))
const idOf = ({ k, n }: Code) => `${k}of${n}`

function layoutOf(code: Code): Layout {
  return { block, size, ...code, shards: Array.from({ length: code.n }, () => new Uint8Array(32)) }
}

function holderOf(id: string): Holder {
  return { member: { id, name: id, zone: '', capacity: 2 ** 30 } } as Holder
}

function aimsFor(members: number, set?: Code): Aims {
  return { set, target: policyFor(members), now: policyFor(members), members }
}

/** A block and those who hold it: every member judges, then all do at once what their verdicts say. */
class Village {
  readonly held = new Map<Holder, Held[]>()
  order: Holder[]

  constructor(members: readonly Holder[]) {
    this.order = placementOrder(
      block,
      members.map((holder) => ({ holder, ...holder.member })),
    ).map(({ holder }) => holder)
  }

  give(holder: Holder, code: Code, index: number): void {
    const mine = this.held.get(holder) ?? []
    const isThere = mine.some((one) => one.layout === idOf(code) && one.index === index)
    if (!isThere) this.held.set(holder, [...mine, { layout: idOf(code), index }])
  }

  scatter(code: Code): void {
    const homes = new Map<Holder, Set<number>>()
    for (let index = 0; index < code.n; index++) {
      const holder = nextHome(this.order, homes)!
      homes.set(holder, (homes.get(holder) ?? new Set()).add(index))
      this.give(holder, code, index)
    }
  }

  judge(self: Holder, aims: Aims): Verdict {
    const shown = [...new Set([...this.held.values()].flat().map(({ layout }) => layout))]
    const codeOf = (id: string) => {
      const [k, n] = id.split('of').map(Number)
      return { k: k!, n: n! }
    }
    const layouts = new Map(shown.map((id) => [id, layoutOf(codeOf(id))]))
    return assess({ self, order: this.order, held: new Map(this.held), layouts }, aims)
  }

  /** One round; whether anybody did anything. */
  act(aims: Aims): boolean {
    const verdicts = [...this.held.keys()].map((self) => ({ self, ...this.judge(self, aims) }))
    let hasActed = false
    for (const { self, turn, isComplete, survives, code, misplaced, surplus } of verdicts) {
      if (turn === 0 && !isComplete && survives >= 0) {
        this.#mend(code)
        hasActed = true
      }
      for (const { layout, index, to } of misplaced)
        hasActed = this.#handOver(to, layout, index) || hasActed
      const mine = this.held.get(self)!
      const isGoing = (one: Held) =>
        surplus.some(({ layout, index }) => layout === one.layout && index === one.index)
      if (surplus.length > 0)
        this.held.set(
          self,
          mine.filter((one) => !isGoing(one)),
        )
      hasActed = hasActed || surplus.length > 0
    }
    for (const [holder, mine] of this.held) if (mine.length === 0) this.held.delete(holder)
    return hasActed
  }

  /** As `scatter` does: the first n are asked what they have, and what they lack is sent. */
  #mend(code: Code): void {
    const homes = this.#homesOf(code, this.order.slice(0, code.n))
    const there = new Set([...homes.values()].flatMap((each) => [...each]))
    for (let index = 0; index < code.n; index++) {
      if (code.k === 1 ? homes.size >= Math.min(code.n, this.order.length) : there.has(index))
        continue
      const holder = nextHome(this.order, homes)!
      homes.set(holder, (homes.get(holder) ?? new Set()).add(index))
      this.give(holder, code, index)
    }
  }

  #handOver(order: readonly Holder[], layout: string, index: number): boolean {
    const [k, n] = layout.split('of').map(Number)
    const homes = this.#homesOf({ k: k!, n: n! }, order.slice(0, n))
    if ([...homes.values()].some((each) => k !== 1 && each.has(index))) return false
    if (k === 1 && homes.size >= Math.min(n!, order.length)) return false
    this.give(nextHome(order, homes)!, { k: k!, n: n! }, index)
    return true
  }

  #homesOf(code: Code, some: readonly Holder[]): Map<Holder, Set<number>> {
    const homes = new Map<Holder, Set<number>>()
    for (const holder of some) {
      const mine = (this.held.get(holder) ?? []).filter(({ layout }) => layout === idOf(code))
      if (mine.length > 0) homes.set(holder, new Set(mine.map(({ index }) => index)))
    }
    return homes
  }
}

function someMembers(random: Random): Holder[] {
  return Array.from({ length: between(random, 1, 16) }, (_, at) => holderOf(`m${at}`))
}

const roundsMax = 12

describe('A verdict on a block', () => {
  it('leads to n shards at the n members who should have them, from anything that can be mended', () => {
    for (let seed = 1; seed <= 2_000; seed++) {
      const random = seededRandom(seed)
      const members = someMembers(random)
      const village = new Village(members)
      const before = policyFor(between(random, 1, 16))
      const guests = Array.from({ length: 4 }, (_, at) => holderOf(`guest${at}`))
      for (let index = 0; index < before.n; index++) {
        const everyone = [...members, ...guests]
        const isLost = index >= before.k && random.fraction() < 0.4
        const someone = () => everyone[between(random, 0, everyone.length)]!
        if (!isLost) village.give(someone(), before, index)
        if (random.fraction() < 0.2) village.give(someone(), before, index) // Twice, or found again.
      }
      const aims = aimsFor(members.length)
      let rounds = 0
      while (village.act(aims)) assert.ok((rounds += 1) < roundsMax, `seed ${seed} comes to rest`)

      const { n } = aims.target
      const wanted = village.order.slice(0, n).map(({ member }) => member.id)
      const homes = [...village.held].map(([holder, held]) => `${holder.member.id} ${held.length}`)
      assert.deepEqual(homes.sort(), wanted.map((id) => `${id} 1`).sort(), `seed ${seed}`)
    }
  })

  it('never lets a block survive fewer losses than it did and should', () => {
    for (let seed = 1; seed <= 2_000; seed++) {
      const random = seededRandom(seed)
      const members = someMembers(random)
      const village = new Village(members)
      for (let layouts = between(random, 1, 4); layouts > 0; layouts--) {
        const code = policyFor(between(random, 1, 16))
        for (let index = 0; index < code.n; index++) {
          village.give(members[between(random, 0, members.length)]!, code, index)
        }
      }
      const aims = aimsFor(members.length)
      const survives = () => village.judge([...village.held.keys()][0]!, aims)
      for (let rounds = 0; rounds < roundsMax; rounds++) {
        const before = survives()
        if (!village.act(aims)) break
        const { wanted, survives: after } = survives()
        assert.ok(after >= Math.min(before.survives, wanted), `seed ${seed}: ${after} left`)
      }
    }
  })

  it('is given by one member alone to be the one who mends', () => {
    const members = Array.from({ length: 8 }, (_, at) => holderOf(`m${at}`))
    const village = new Village(members)
    village.scatter({ k: 4, n: 6 })
    village.held.delete(village.order[0]!)

    const turns = [...village.held.keys()].map((self) => village.judge(self, aimsFor(8)).turn)

    assert.deepEqual(turns.sort(), [0, 1, 2, 3, 4])
  })

  it('leaves a code that a person chose for a blob, and keeps to one that was set for all', () => {
    const members = Array.from({ length: 6 }, (_, at) => holderOf(`m${at}`))
    const village = new Village(members)
    village.scatter({ k: 2, n: 6 })
    const judge = (set?: Code) => village.judge(village.order[0]!, aimsFor(6, set))

    assert.deepEqual([judge().code, judge().isComplete], [{ k: 2, n: 6 }, true])
    const set = { k: 3, n: 6 }
    assert.deepEqual([judge(set).code, judge(set).isComplete], [set, false])
  })

  it('codes nothing anew for members who will be back', () => {
    const members = Array.from({ length: 6 }, (_, at) => holderOf(`m${at}`))
    const village = new Village(members)
    village.scatter({ k: 4, n: 6 })
    const lost = village.order[5]!
    village.held.delete(lost)
    village.order = village.order.slice(0, 5)
    const aims = { target: policyFor(6), now: policyFor(5), members: 5 }

    assert.deepEqual(village.judge(village.order[0]!, aims).code, { k: 4, n: 6 })
    village.act(aims)
    assert.equal(village.judge(village.order[0]!, aims).survives, 1)
  })
})
