import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDreyError } from '../base/error.ts'
import { neighbourhood, torn } from '../node/neighbourhood.ts'
import { seededRandom } from '../base/random.ts'
import { mendDefaults } from './limits.ts'
import type { Change } from './plan.ts'
import { planAll, planOperations } from './planning.ts'
import { Shape } from './shape.ts'
import { standingOf, standingOperations, standings, inAll } from './standing.ts'
import { Survey } from './survey.ts'
import { systemClock } from '../base/clock.ts'
import type { MendProgress } from './progress.ts'

const { signal } = new AbortController()
const progress: MendProgress = {
  code: '1+1',
  census: { blocks: 12, below: 3, lost: 1, survives: -1 },
  lostBlocks: ['bafkr4i'],
  waiting: 3,
  remainingMs: 4_000,
  passedAt: 1_700_000_000_000,
  mended: 0,
  recoded: 0,
  handedOver: 0,
  removed: 0,
  failed: 0,
  movedBytes: 0,
}
const noChange: Change = { without: [], isSudden: false, capacities: {} }

describe('How the swarm stands', () => {
  it('is the sum of what its members say', async () => {
    await using town = await neighbourhood({ peers: 3 })
    const [ann, ben] = town.peers
    ben!.node.operate(standingOperations(() => progress))

    const all = await standings(ann!.membership, standingOf('n0', progress), signal)

    assert.deepEqual(inAll(all), { blocks: 24, below: 6, lost: 2, survives: -1 })
    assert.match(all.find(({ member }) => member === 'n2')!.why!, /standing/)
  })

  it('does not fall for what a member makes up', async () => {
    await using town = await neighbourhood({ peers: 2 })
    const [ann, ben] = town.peers
    const nonsense = [
      {},
      { blocks: 'many', below: -0.5, lost: null, lostBlocks: 7, waiting: {}, passedAt: [] },
      { blocks: Number.MAX_VALUE, lostBlocks: Array.from({ length: 5_000 }, () => 'b') },
    ]
    for (const header of nonsense) {
      ben!.node.operate({ standing: async () => ({ header }) })

      const [said] = await standings(ann!.membership, undefined, signal)

      assert.equal(said!.census.blocks, 0)
      assert.ok(said!.lostBlocks.length <= 100)
    }
  })
})

describe('What a change would take', () => {
  it('is asked of everyone, and who does not make sense is left out', async () => {
    await using town = await neighbourhood({ peers: 3, code: { k: 2, n: 3 } })
    await town.peers[0]!.node.put(torn(seededRandom(1).bytes(2_000_000)))
    const parts = town.peers.map(({ node, store, membership }) => {
      const limits = mendDefaults
      const shape = new Shape({ membership, circle: node.circle, clock: systemClock, limits })
      return {
        circle: node.circle,
        survey: new Survey(node.circle),
        store,
        aims: () => shape.aims(),
      }
    })
    town.peers[1]!.node.operate(planOperations(parts[1]!))
    const moves = [['x'], 'y', [1, 2, 3], ['a', 'b', -4]]
    town.peers[2]!.node.operate({ plan: async () => ({ header: { blocks: 'all', moves } }) })
    const peers = town.peers[0]!.membership.others().flatMap(({ peer }) => (peer ? [peer] : []))

    const { plan, silent } = await planAll(noChange, peers, parts[0]!, signal)

    assert.equal(silent, 0)
    assert.deepEqual(plan.moves, [])
    assert.ok(plan.blocks > 0 && plan.blocks < 4)
  })
})

describe('A question about many blocks', () => {
  it('is refused when it is about too many, or about none that make sense', async () => {
    await using town = await neighbourhood({ peers: 2 })
    const [ann, ben] = town.peers
    const { address } = await ann!.node.put(torn(seededRandom(2).bytes(1_000)))
    const peer = ann!.membership.others()[0]!.peer!
    for (const blocks of [Array.from({ length: 257 }, () => address), ['b'], {}, undefined]) {
      const asking = peer.request({ header: { op: 'survey', blocks } })
      await assert.rejects(
        asking,
        (error) => isDreyError(error, 'protocol') || isDreyError(error, 'bad-input'),
      )
    }
    assert.ok(await ben!.store.usage())
  })
})
