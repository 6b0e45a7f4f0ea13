import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Listings } from './listings.ts'

describe('Listings', () => {
  it('read a folder twice for a thousand who ask at once', async () => {
    let reads = 0
    const listings = new Listings(async () => {
      reads += 1
      return ['a.1', 'b.1', 'a.2', 'strange']
    })

    const all = await Promise.all(Array.from({ length: 1000 }, () => listings.of('xy')))

    assert.equal(reads, 2)
    for (const listing of all) assert.deepEqual(listing.get('a'), ['a.1', 'a.2'])
  })

  it('give what was there when somebody asked, though others had asked before', async () => {
    const files = ['a.1']
    const gates: (() => void)[] = []
    const listings = new Listings(async () => {
      const seen = [...files]
      await new Promise<void>((resolve) => gates.push(resolve))
      return seen
    })
    const before = listings.of('xy')
    files.push('a.2')
    const after = listings.of('xy')

    gates.shift()!()
    assert.deepEqual((await before).get('a'), ['a.1'])
    await new Promise(setImmediate)
    gates.shift()!()

    assert.deepEqual((await after).get('a'), ['a.1', 'a.2'])
  })

  it('try again for the next one when a folder could not be read', async () => {
    let reads = 0
    const listings = new Listings(async () => {
      if ((reads += 1) === 1) throw new Error('EIO')
      return ['a.1']
    })
    const [first, second] = [listings.of('xy'), listings.of('xy')]

    await assert.rejects(first, /EIO/)
    assert.deepEqual((await second).get('a'), ['a.1'])
  })
})
