import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressOf } from '../address/address.ts'
import { range } from '../coding/matrix.ts'
import { policyFor, type Code } from '../coding/code.ts'
import type { Held, Holder } from '../node/holder.ts'
import { placementOrder } from '../node/placement.ts'
import type { Evidence } from './assess.ts'
import { Planning, type Change } from './plan.ts'

const size = 1 << 20
const noChange: Change = { without: [], isSudden: false, capacities: {} }

function holderOf(id: string): Holder {
  return { member: { id, name: id, zone: '', capacity: 2 ** 30 } } as Holder
}

/** Blocks that stand as they should, in this code, at the first n of so many members. */
function town(members: number, code: Code, blocks: number) {
  const holders = range(members).map((at) => holderOf(`m${at}`))
  const places = holders.map((holder) => ({ holder, ...holder.member }))
  return range(blocks).map((at) => {
    const block = addressOf('raw', 'blake3', new Uint8Array([at, at >> 8]))
    const order = placementOrder(block, places).map(({ holder }) => holder)
    const held = new Map<Holder, Held[]>(
      order.slice(0, code.n).map((holder, index) => [holder, [{ layout: 'x', index }]]),
    )
    const shards = range(code.n).map(() => new Uint8Array(32))
    const layouts = new Map([['x', { block, size, ...code, shards }]])
    const evidence: Evidence = { self: order[0]!, order, held, layouts }
    return { block, evidence }
  })
}

function plan(change: Partial<Change>, { members = 8, code = { k: 4, n: 6 }, blocks = 400 } = {}) {
  const planning = new Planning({ ...noChange, ...change })
  const aims = { target: policyFor(members), now: policyFor(members), members }
  for (const { block, evidence } of town(members, code, blocks)) planning.add(block, evidence, aims)
  return planning.outcome()
}

describe('A plan', () => {
  it('of no change moves nothing', () => {
    const { moves, recoded, meanwhile, afterwards } = plan({})

    assert.deepEqual(
      { moves, recoded, meanwhile, afterwards },
      {
        moves: [],
        recoded: 0,
        meanwhile: 2,
        afterwards: 2,
      },
    )
  })

  it('of a leaving moves what the leaver holds, once, from the leaver', () => {
    const { moves, meanwhile } = plan({ without: ['m3'] })

    const bytes = moves.reduce((sum, [, , moved]) => sum + moved, 0)
    assert.deepEqual([...new Set(moves.map(([from]) => from))], ['m3'])
    const shards = bytes / (size / 4)
    assert.ok(Math.abs(shards - (400 * 6) / 8) < 60, `${shards} shards of some 300`)
    assert.equal(meanwhile, 2)
  })

  it('of a sudden loss has the others make anew what is gone, and survives one less meanwhile', () => {
    const { moves, meanwhile, afterwards } = plan({ without: ['m3'], isSudden: true })

    assert.ok(moves.every(([from, to]) => from !== 'm3' && to !== 'm3'))
    assert.deepEqual([meanwhile, afterwards], [1, 2])
  })

  it('says when a sudden loss would be one too many', () => {
    assert.equal(plan({ without: ['m1', 'm2', 'm3'], isSudden: true }).meanwhile, -1)
  })

  it('of another code has every block coded anew', () => {
    const { recoded, afterwards } = plan({ code: { k: 3, n: 6 } })

    assert.deepEqual([recoded, afterwards], [400, 3])
  })

  it('of more capacity at one moves shards to it alone', () => {
    const { moves } = plan({ capacities: { m2: 2 ** 33 } })

    assert.ok(moves.length > 0)
    assert.deepEqual([...new Set(moves.map(([, to]) => to))], ['m2'])
  })
})
