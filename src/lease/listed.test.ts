import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { silentLog } from '../base/log.ts'
import { HandClock } from './fixture.ts'
import type { LeaseSecret } from './lease.ts'
import { memoryLeases, openLeases, type Leases } from './leases.ts'
import type { LeaseWish } from './own.ts'

const folder = mkdtempSync(join(tmpdir(), 'drey-listed-'))
after(() => rm(folder, { recursive: true }))

async function store({ own }: Leases, address: string, wish: LeaseWish = {}): Promise<LeaseSecret> {
  const { lease, secret } = await own.begin(wish)
  await own.finish(lease, address, 10)
  return secret
}

const addressesIn = ({ list }: Leases) => Array.from(list.entries(), ({ address }) => address)

describe('What a node tells of the list of what it stored', () => {
  it('has all that was stored, the oldest first, and nothing that has expired or is under way', async () => {
    const clock = new HandClock()
    const leases = memoryLeases({ owner: 'ann', clock })
    await store(leases, 'short', { forMs: 5 })
    const all: string[] = []
    for (let at = 0; at < 600; at++) {
      clock.time += at % 3 // Several are made in one millisecond.
      await store(leases, `blob ${at}`)
      all.push(`blob ${at}`)
    }
    await leases.own.begin({ name: 'under way' })
    assert.deepEqual(addressesIn(leases).toSorted(), all.toSorted())
    const times = Array.from(leases.list.entries(), ({ made }) => made)
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    )
  })

  it('changes when something is stored or removed, and not with the list’s own lease', async () => {
    const leases = memoryLeases({ owner: 'ann', clock: new HandClock() })
    const { list, book } = leases
    assert.equal(list.changes, list.told)
    const secret = await store(leases, 'oak')
    assert.ok(list.changes > list.told)
    await list.markTold(list.changes)
    await store(leases, 'catalog', { isCatalog: true })
    assert.equal(list.changes, list.told)
    assert.deepEqual(addressesIn(leases), ['oak'])
    assert.deepEqual(leases.own.list({ sort: 'time', limit: 9 }).total, 1)
    await book.end([secret])
    assert.ok(list.changes > list.told && list.isEmpty)
    assert.deepEqual(
      list.catalogs().map(({ address }) => address),
      ['catalog'],
    )
  })

  it('is taken over by another node, which can end its leases, and has none that it knows to have ended', async () => {
    const clock = new HandClock()
    const [ann, bob] = ['ann', 'bob'].map((owner) => memoryLeases({ owner, clock }))
    await store(ann!, 'oak', { name: 'tree' })
    clock.time += 1
    const ended = await store(ann!, 'elm')
    await bob!.book.end([ended])
    assert.equal(await bob!.list.adopt([...ann!.list.entries()]), 1)
    assert.equal(await bob!.list.adopt([...ann!.list.entries()]), 0)
    assert.deepEqual([...bob!.list.entries()], [...ann!.list.entries()].slice(0, 1))
    const [lease] = bob!.own.of('oak')
    await bob!.book.end([lease!.secret])
    assert.deepEqual(addressesIn(bob!), [])
  })

  it('is as it was when the node has been started again', async () => {
    const path = join(folder, 'leases.db')
    const options = { owner: 'ann', clock: new HandClock(), log: silentLog }
    const open = () => openLeases(path, { ...options, hasShards: async () => false })
    {
      await using leases = await open()
      await store(leases, 'oak')
      await leases.list.markTold(leases.list.changes)
      await store(leases, 'elm')
    }
    await using leases = await open()
    assert.deepEqual(addressesIn(leases).toSorted(), ['elm', 'oak'])
    assert.equal(leases.list.changes, leases.list.told + 1)
  })
})
