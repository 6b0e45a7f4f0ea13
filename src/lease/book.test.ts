import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Address } from '../address/address.ts'
import { isDreyError } from '../base/error.ts'
import { between, seededRandom } from '../base/random.ts'
import { ash, block, claim, elm, HandClock, oak, pass, sweepAll } from './fixture.ts'
import { newLease } from './lease.ts'
import { memoryLeases } from './leases.ts'

const graceMs = 1_000

describe('A book of leases', () => {
  it('keeps a block as long as any lease covers it, whoever made it', async () => {
    const clock = new HandClock()
    await using leases = memoryLeases({ owner: 'ann', clock })
    const { book, sweep } = leases
    const ann = newLease({ owner: 'ann', made: 1 })
    const bob = newLease({ owner: 'bob', made: 2 })
    await claim(leases, oak, ann.lease, bob.lease)
    await claim(leases, elm, ann.lease)
    assert.deepEqual(book.of(oak), [ann.lease, bob.lease])

    assert.equal(await book.end([ann.secret]), 1)

    assert.deepEqual(
      [book.wants(oak), book.wants(elm), book.wants(ash)],
      ['wanted', 'unwanted', 'unknown'],
    )
    await sweepAll(leases)
    await pass(leases, clock, graceMs)
    assert.deepEqual(sweep.due(graceMs, 10).map(String), [String(elm)])
    assert.deepEqual(sweep.waiting(), { blocks: 1, bytes: 10 })
    let gone = 0
    for (const each of [oak, elm, ash]) await book.letGo(each, graceMs, async () => void gone++)
    assert.equal(gone, 1)
    assert.deepEqual([book.wants(oak), book.wants(elm)], ['wanted', 'unknown'])
  })

  it('lets nothing go before its grace time is over, and nothing that somebody wants again', async () => {
    const clock = new HandClock()
    await using leases = memoryLeases({ owner: 'ann', clock })
    const { book } = leases
    const [first, second] = [
      newLease({ owner: 'ann', made: 1 }),
      newLease({ owner: 'bob', made: 2 }),
    ]
    await claim(leases, oak, first.lease)
    await book.end([first.secret])
    await sweepAll(leases)
    const never = () => Promise.reject(new Error('it was let go'))

    await pass(leases, clock, graceMs - 1)
    assert.equal(await book.letGo(oak, graceMs, never), false)

    await claim(leases, oak, second.lease)
    await pass(leases, clock, 10 * graceMs)
    assert.equal(await book.letGo(oak, graceMs, never), false)
  })

  it('does not let a block go while a shard of it is on its way in', async () => {
    const clock = new HandClock()
    await using leases = memoryLeases({ owner: 'ann', clock })
    const { lease, secret } = newLease({ owner: 'ann', made: 1 })
    {
      using _claim = await leases.book.claim(oak, [lease], 10)
      await leases.book.end([secret]) // The put was broken off, and its last shard is being written.
      await sweepAll(leases)
      await pass(leases, clock, 2 * graceMs)
      assert.equal(await leases.book.letGo(oak, graceMs, async () => {}), false)
    }
    assert.equal(await leases.book.letGo(oak, graceMs, async () => {}), true)
  })

  it('makes a claim wait for a block that is just being let go, and keeps it anew', async () => {
    const clock = new HandClock()
    await using leases = memoryLeases({ owner: 'ann', clock })
    const { book } = leases
    const [old, fresh] = [newLease({ owner: 'ann', made: 1 }), newLease({ owner: 'ann', made: 2 })]
    await claim(leases, oak, old.lease)
    await book.end([old.secret])
    await sweepAll(leases)
    await pass(leases, clock, graceMs)
    const events: string[] = []
    const removed = Promise.withResolvers<void>()

    const going = book.letGo(oak, graceMs, async () => {
      await removed.promise
      events.push('gone')
    })
    const claimed = claim(leases, oak, fresh.lease).then(() => events.push('claimed'))
    removed.resolve()
    await Promise.all([going, claimed])

    assert.deepEqual(events, ['gone', 'claimed'])
    assert.deepEqual(book.of(oak), [fresh.lease])
  })

  it('never takes back that a lease has ended, whoever sends it again', async () => {
    await using leases = memoryLeases({ owner: 'ann', clock: new HandClock() })
    const { book } = leases
    const { lease, secret } = newLease({ owner: 'bob', made: 1 })

    await book.end([secret]) // Heard before the lease itself.
    await claim(leases, oak, lease)

    assert.deepEqual(book.of(oak), [])
    assert.equal(book.wants(oak), 'unwanted')
    assert.equal(await book.end([secret]), 0)
  })

  it('is not moved by a secret that is not the one', async () => {
    await using leases = memoryLeases({ owner: 'ann', clock: new HandClock() })
    const { lease } = newLease({ owner: 'ann', made: 1 })
    await claim(leases, oak, lease)

    await leases.book.end([newLease({ owner: 'ann', made: 1 }).secret, new Uint8Array(16)])

    assert.deepEqual(leases.book.of(oak), [lease])
  })

  it('keeps a lease beside one that somebody has changed on its way', async () => {
    const clock = new HandClock()
    await using leases = memoryLeases({ owner: 'ann', clock })
    const { lease, secret } = newLease({ owner: 'ann', made: 1 })
    await claim(leases, oak, { ...lease, expires: clock.now() + 1 })
    await claim(leases, oak, lease)

    clock.time += 10 * graceMs
    for (const _ of [1, 2]) {
      await leases.sweep.expire(graceMs)
      await pass(leases, clock, graceMs)
    }
    await sweepAll(leases)
    assert.deepEqual(leases.book.of(oak), [lease])

    await leases.book.end([secret])
    assert.equal(leases.book.wants(oak), 'unwanted')
  })

  it('goes by its own time: a clock that is set forward by a year ends no lease before the grace time', async () => {
    const clock = new HandClock()
    await using leases = memoryLeases({ owner: 'ann', clock })
    const { book, sweep } = leases
    const day = 24 * 3_600_000
    const { lease } = newLease({ owner: 'ann', made: 1, expires: clock.now() + 30 * day })
    const { lease: gone, secret } = newLease({ owner: 'ann', made: 1 })
    await claim(leases, oak, lease)
    await claim(leases, elm, gone)
    await book.end([secret])
    await sweepAll(leases)

    clock.time += 365 * day
    for (const _ of [1, 2, 3]) {
      await book.tick()
      await sweep.expire(day)
      await sweepAll(leases)
    }
    assert.equal(book.wants(oak), 'wanted')
    assert.deepEqual(sweep.due(day, 10), [])

    clock.time -= 365 * day // It was noticed.
    await pass(leases, clock, 2 * day)
    await sweep.expire(day)
    await sweepAll(leases)
    assert.equal(book.wants(oak), 'wanted')

    await pass(leases, clock, 30 * day)
    await sweep.expire(day)
    await pass(leases, clock, day)
    await sweep.expire(day)
    assert.equal(book.wants(oak), 'unwanted', 'its time is really over')
  })

  it('adopts what comes without a lease until somebody speaks for it', async () => {
    await using leases = memoryLeases({ owner: 'ann', clock: new HandClock() })
    const { book, sweep } = leases
    await claim(leases, oak)
    await claim(leases, elm)
    assert.equal(book.wants(oak), 'wanted')
    assert.deepEqual(book.carried(oak), [], 'what it is given to others with')
    assert.deepEqual(sweep.adopted(), { blocks: 2, bytes: 20 })

    const { lease, secret } = newLease({ owner: 'ann', made: 1 })
    await claim(leases, oak, lease)
    await book.end([secret])

    assert.equal(book.wants(oak), 'unwanted')
    assert.equal(book.carried(oak), undefined, 'it is not given to others')
    await sweep.abandonAdopted()
    assert.equal(book.wants(elm), 'unwanted')
  })

  it('keeps what it has adopted, whatever passes for a lease', async () => {
    await using leases = memoryLeases({ owner: 'ann', clock: new HandClock() })
    const { book } = leases
    await claim(leases, oak)
    await claim(leases, oak, { id: '0'.repeat(32), owner: '', made: 0 })
    await claim(leases, oak, { id: '0'.repeat(32), owner: 'bob', made: 1 })
    assert.equal(book.wants(oak), 'wanted')

    const { lease, secret } = newLease({ owner: 'ann', made: 1 })
    await claim(leases, oak, lease)
    await book.end([secret])
    assert.equal(book.wants(oak), 'unwanted', 'who had it adopted has heard who wants it')
  })

  it('counts the bytes of an owner once for each block, and refuses what is too much', async () => {
    await using leases = memoryLeases({ owner: 'me', clock: new HandClock(), ownerQuota: 25 })
    const { book } = leases
    const ann = [1, 2].map((made) => newLease({ owner: 'ann', made }))
    const bob = newLease({ owner: 'bob', made: 3 })
    await claim(leases, oak, ann[0]!.lease)
    using _again = await book.claim(oak, [ann[1]!.lease])
    await claim(leases, elm, ann[1]!.lease)
    assert.equal(book.bytesOf('ann'), 20)

    await assert.rejects(book.claim(ash, [ann[0]!.lease], 10), (error) => {
      assert.ok(isDreyError(error, 'full'))
      assert.match(error.message, /at most 25 bytes for one member: .*"ownerQuota"/)
      return true
    })
    assert.equal(book.wants(ash), 'unknown', 'nothing of it is left')
    await claim(leases, ash, bob.lease)

    await book.end([ann[1]!.secret])
    await sweepAll(leases)
    assert.equal(book.bytesOf('ann'), 10)
    using _more = await book.claim(ash, [ann[0]!.lease])
    assert.deepEqual([book.bytesOf('ann'), book.bytesOf('bob')], [20, 10])
  })

  it('counts as the sum over all blocks says, after anything that may happen', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = seededRandom(seed)
      const pick = <T>(some: readonly T[]) => some[between(random, 0, some.length)]!
      await using leases = memoryLeases({ owner: 'me', clock: new HandClock() })
      const { book } = leases
      const made = Array.from({ length: 12 }, (_, at) =>
        newLease({ owner: pick(['ann', 'bob']), made: at }),
      )
      const blocks = Array.from({ length: 20 }, (_, at) => block(`${seed} ${at}`))
      const sizes = new Map<Address, number>()
      for (let step = 0; step < 200; step++) {
        const [one, of] = [pick(made), pick(blocks)]
        const chance = random.fraction()
        if (chance < 0.7) {
          using _claim = await book.claim(of, [one.lease], 7)
          sizes.set(of, (sizes.get(of) ?? 0) + 7)
        } else if (chance < 0.9) {
          const bytes = pick([0, 7, 14])
          await book.settle(of, async () => bytes)
          if (bytes === 0) sizes.delete(of)
          else if (sizes.has(of)) sizes.set(of, bytes)
        } else await book.end([one.secret])
        if (random.fraction() < 0.1) await sweepAll(leases)
      }
      await sweepAll(leases)
      for (const owner of ['ann', 'bob']) {
        const covered = blocks.filter((each) =>
          book.of(each).some((lease) => lease.owner === owner),
        )
        const sum = covered.reduce((total, each) => total + sizes.get(each)!, 0)
        assert.equal(book.bytesOf(owner), sum, `seed ${seed}, ${owner}`)
      }
    }
  })

  it('tells which leases have ended, page by page, in the order in which it heard of them', async () => {
    await using leases = memoryLeases({ owner: 'ann', clock: new HandClock() })
    const { book } = leases
    const secrets = Array.from({ length: 5 }, () => newLease({ owner: 'bob', made: 1 }).secret)
    for (const secret of secrets) await book.end([secret])

    const heard: Uint8Array[] = []
    for (let place = 0; ;) {
      const page = book.endsFrom(place, 2)
      if (page.secrets.length === 0) break
      heard.push(...page.secrets)
      place = page.next
    }

    assert.deepEqual(heard, secrets)
    await book.noteHeard('carl', { log: 'x', place: 3 })
    assert.deepEqual(book.heardFrom('carl'), { log: 'x', place: 3 })
    assert.deepEqual(book.heardFrom('dora'), { log: '', place: 0 })
  })
})
