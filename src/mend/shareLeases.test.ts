import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DreyError } from '../base/error.ts'
import { seededRandom } from '../base/random.ts'
import type { Lease } from '../lease/lease.ts'
import { bench, coded, newLeaseOf, type Bench } from '../node/keepingFixture.ts'
import { LocalHolder } from '../node/local.ts'
import type { Member } from '../node/member.ts'
import { nameOf } from '../store/sample.ts'
import { shareLeases } from './shareLeases.ts'

const { signal } = new AbortController()
const shards = coded(seededRandom(1))
const { block } = shards[0]!.layout
const leaseOf = (owner: string) => newLeaseOf(owner).lease
const [ann, bob, carl] = [leaseOf('ann'), leaseOf('bob'), leaseOf('carl')]

/** A holder that counts what it is asked, and may not answer. */
class Shelf extends LocalHolder {
  readonly its: Bench
  asked = 0
  failure: Error | undefined

  constructor(its: Bench) {
    super(its.keeping, () => ({}) as Member)
    this.its = its
  }

  override async have(...question: Parameters<LocalHolder['have']>) {
    this.asked += 1
    if (this.failure !== undefined) throw this.failure
    return super.have(...question)
  }

  get owners(): string[] {
    return this.its.keeping.book.of(block).map(({ owner }) => owner)
  }
}

/** Holders of a shard each, with such leases. */
async function shelves(...all: Lease[][]): Promise<Shelf[]> {
  return Promise.all(
    all.map(async (leases, at) => {
      const shelf = new Shelf(bench({ seed: at }))
      await shelf.its.keeping.keep(shards[at]!, leases, { signal })
      return shelf
    }),
  )
}

/** What the first one does after it has asked all. */
function share(holders: readonly Shelf[]): Promise<boolean> {
  const [self] = holders as [Shelf]
  const leases = new Map(holders.map((each) => [each, each.its.keeping.book.digestOf(block)]))
  return shareLeases({ block, self, leases }, self.its.keeping.book, signal)
}

describe('Sharing leases', () => {
  it('gives every holder those of all, once each has looked', async () => {
    const holders = await shelves([ann], [bob], [ann, carl])
    for (const self of holders) {
      assert.equal(await share([self, ...holders.filter((each) => each !== self)]), true)
    }
    for (const { owners } of holders) assert.deepEqual(owners.toSorted(), ['ann', 'bob', 'carl'])

    const before = holders.map(({ asked }) => asked)
    for (const self of holders) assert.equal(await share([self, ...holders]), true)
    assert.deepEqual(
      holders.map(({ asked }) => asked),
      before,
      'who has the same is not told',
    )
  })

  it('fills a book that was lost, in which the block had been adopted', async () => {
    const [keeper, loser] = (await shelves([ann, bob], [])) as [Shelf, Shelf]
    assert.deepEqual(loser.its.keeping.book.of(block), [])

    assert.equal(await share([loser, keeper]), true, 'it has nothing to tell')
    assert.deepEqual(keeper.owners, ['ann', 'bob'])
    await share([keeper, loser])
    assert.deepEqual(loser.owners, ['ann', 'bob'])
    assert.deepEqual(loser.its.leases.sweep.adopted(), { blocks: 0, bytes: 0 })
  })

  it('says when somebody was not told, or has the block no more', async () => {
    const holders = await shelves([ann], [bob])
    holders[1]!.failure = new DreyError('timeout', 'no answer')
    assert.equal(await share(holders), false)

    holders[1]!.failure = undefined
    await holders[1]!.its.store.delete(nameOf(shards[1]!))
    assert.equal(await share(holders), false)
  })

  it('does not hide a mistake', async () => {
    const holders = await shelves([ann], [bob])
    holders[1]!.failure = new TypeError('x is not a function')
    await assert.rejects(share(holders), /x is not a function/)
  })
})
