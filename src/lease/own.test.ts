import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HandClock } from './fixture.ts'
import { memoryLeases, type Leases } from './leases.ts'
import type { LeaseWish, ListWish } from './own.ts'

async function store(
  { own }: Leases,
  address: string,
  { size, ...wish }: LeaseWish & { size?: number },
): Promise<void> {
  const { lease } = await own.begin(wish)
  await own.finish(lease, address, size)
}

describe('The list of what a node stored', () => {
  const clock = new HandClock()
  const leases = memoryLeases({ owner: 'ann', clock })
  const { own, book } = leases
  const addresses = (wish: Partial<ListWish>) =>
    own.list({ sort: 'time', limit: 10, ...wish }).blobs.map(({ address }) => address)

  it('has the latest first, the largest first, or names in their order', async () => {
    await store(leases, 'oak', { size: 3, name: 'b 50%.txt' })
    clock.time += 1
    await store(leases, 'elm', { size: 9, name: 'A_1' })
    clock.time += 1
    await store(leases, 'ash', { size: 1, name: 'c' })
    await own.begin({ name: 'under way' })

    assert.deepEqual(addresses({}), ['ash', 'elm', 'oak'])
    assert.deepEqual(addresses({ sort: 'size' }), ['elm', 'oak', 'ash'])
    assert.deepEqual(addresses({ sort: 'name' }), ['elm', 'oak', 'ash'])
  })

  it('finds a part of a name or of an address, whatever is in it', () => {
    assert.deepEqual(addresses({ search: 'a_' }), ['elm'])
    assert.deepEqual(addresses({ search: '%' }), ['oak'])
    assert.deepEqual(addresses({ search: 'AK' }), ['oak'])
    assert.deepEqual(addresses({ search: '\\' }), [])
  })

  it('says how many there are when it shows fewer', () => {
    const { blobs, total } = own.list({ sort: 'time', limit: 2 })
    assert.deepEqual([blobs.length, total], [2, 3])
  })

  it('has what was stored twice under one name once, for as long as the longer one holds', async () => {
    clock.time += 10
    await store(leases, 'oak', { size: 3, name: 'b 50%.txt', forMs: 5 })
    await store(leases, 'fir', { forMs: 5 })
    const { blobs } = own.list({ sort: 'time', limit: 10 })

    assert.deepEqual(
      blobs.map(({ address, made, expires }) => [address, made === clock.time, expires]),
      [
        ['fir', true, clock.time + 5],
        ['oak', true, null],
        ['ash', false, null],
        ['elm', false, null],
      ],
    )
    clock.time += 5
    assert.deepEqual(addresses({ search: 'fir' }), [])
  })

  it('has no more what was removed', async () => {
    await book.end(own.of('oak').map(({ secret }) => secret))
    assert.deepEqual(addresses({}), ['ash', 'elm'])
  })
})
