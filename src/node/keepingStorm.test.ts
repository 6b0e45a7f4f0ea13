import assert from 'node:assert/strict'
import { it } from 'node:test'
import { between, seededRandom } from '../base/random.ts'
import type { LeaseSecret } from '../lease/lease.ts'
import { nameOf } from '../store/sample.ts'
import type { Shard } from '../store/store.ts'
import { bytesKept } from './keeping.ts'
import { bench, coded, collect, newLeaseOf, turns, type Bench } from './keepingFixture.ts'

const { signal } = new AbortController()

it('A shard is never removed while a lease covers it, and always when none does, whatever happens at once', async () => {
  for (let seed = 1; seed <= 12; seed++) await liveThrough(seed)
})

/** What was promised for a block, and with which lease. */
interface Promised {
  readonly shard: Shard
  readonly secret: LeaseSecret
}

/** Keeps, asks, ends, and lets go, some of each at once, and compares what is left with what was promised. */
async function liveThrough(seed: number): Promise<void> {
  const random = seededRandom(seed)
  const pick = <T>(some: readonly T[]) => some[between(random, 0, some.length)]!
  await using its = bench({ seed })
  const { keeping, store, leases } = its
  store.failing = 0.1
  const shards = Array.from({ length: 6 }, () => coded(random)).flat()
  const made = Array.from({ length: 8 }, (_, at) => newLeaseOf(at % 2 === 0 ? 'ann' : 'bob'))
  const ended = new Set<LeaseSecret>()
  const promised: Promised[] = []

  const keep = async (): Promise<void> => {
    const [shard, { lease, secret }] = [pick(shards), pick(made)]
    const isKept = await keeping.keep(shard, [lease], { signal }).then(
      () => true,
      () => false, // A bad disk.
    )
    if (isKept) promised.push({ shard, secret })
  }
  const ask = async (): Promise<void> => {
    const [shard, { lease, secret }] = [pick(shards), pick(made)]
    const held = await keeping.have(shard.layout.block, [lease])
    if (held.some(({ index }) => index === shard.index)) promised.push({ shard, secret })
  }
  const end = async (): Promise<void> => {
    const { secret } = pick(made)
    ended.add(secret)
    await leases.book.end([secret])
  }

  const acts = [keep, keep, keep, ask, ask, end, () => collect(its)]
  for (let round = 0; round < 20; round++) {
    await Promise.all(
      Array.from({ length: 12 }, async () => {
        await turns(between(random, 0, 8))
        await pick(acts)()
      }),
    )
    for (const { shard, secret } of promised) {
      const isThere = ended.has(secret) || (await store.has(nameOf(shard)))
      assert.ok(isThere, `seed ${seed}, round ${round}: a shard went that is wanted`)
    }
    await collect(its)
    await assertTidy(its, `seed ${seed}, round ${round}`)
    for (let at = 0; at < made.length; at += 2) {
      if (ended.has(made[at]!.secret)) made[at] = newLeaseOf(pick(['ann', 'bob']))
    }
  }
  await leases.book.end(made.map(({ secret }) => secret))
  await collect(its)
  assert.equal((await store.usage()).shards, 0, `seed ${seed}: something stayed that nobody wants`)
  assert.deepEqual(leases.sweep.waiting(), { blocks: 0, bytes: 0 })
  assert.deepEqual([keeping.book.bytesOf('ann'), keeping.book.bytesOf('bob')], [0, 0])
}

/** Every shard is wanted, and every owner is counted what is here. */
async function assertTidy({ store, keeping }: Bench, when: string): Promise<void> {
  const bytes = new Map([
    ['ann', 0],
    ['bob', 0],
  ])
  const seen = new Set<string>()
  for await (const { block: of } of store.list()) {
    assert.equal(keeping.book.wants(of), 'wanted', when)
    if (seen.has(String(of))) continue
    seen.add(String(of))
    const owners = new Set(keeping.book.of(of).map(({ owner }) => owner))
    for (const owner of owners) bytes.set(owner, bytes.get(owner)! + (await bytesKept(store, of)))
  }
  for (const [owner, sum] of bytes)
    assert.equal(keeping.book.bytesOf(owner), sum, `${when}, ${owner}`)
}
