import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { formatAddress } from '../address/address.ts'
import { equalBytes } from '../base/bytes.ts'
import { systemClock } from '../base/clock.ts'
import { mapAhead } from '../base/flow.ts'
import { silentLog } from '../base/log.ts'
import { between, seededRandom } from '../base/random.ts'
import { Activity } from '../node/activity.ts'
import { openDiskStore } from '../store/disk.ts'
import { harms } from '../store/harm.ts'
import { RotNews } from '../store/rotNews.ts'
import { nameOf, sampleShard } from '../store/sample.ts'
import { formatShardName, subfolderOf } from '../store/shardName.ts'
import type { Shard } from '../store/store.ts'
import { Scrubber } from './scrub.ts'

const seed = Number(process.env.DREY_SEED ?? 11)
const rounds = 10
const perRound = 500
const kept = 700

let root: string
before(async () => (root = await mkdtemp(join(tmpdir(), 'drey-rot-'))))
after(() => rm(root, { recursive: true }))

const fileOf = (shard: Shard) => formatShardName(nameOf(shard))
const pathOf = (shard: Shard) =>
  join(root, 'shards', subfolderOf(formatAddress(shard.layout.block)), fileOf(shard))

const kinds = Object.entries(harms)

async function all(shards: readonly Shard[], work: (shard: Shard) => Promise<unknown>) {
  for await (const _ of mapAhead(shards, 16, work));
}

it(`Every one of ${rounds * perRound} corruptions is found, and none is ever served (seed ${seed})`, async (t) => {
  const [random, rot, seen] = [seededRandom(seed), new RotNews(), new Set<string>()]
  const shards = Array.from({ length: kept }, () => {
    return sampleShard(random, { bytes: between(random, 10, 3_000) })
  })
  const onRot = rot.tell.bind(rot)
  rot.listen((name) => seen.add(formatShardName(name)))
  await using store = await openDiskStore(root, { log: silentLog, onRot, unsafeNoSync: true })
  const activity = new Activity(systemClock)
  const parts = { store, rot, activity, clock: systemClock, log: silentLog, save: async () => {} }
  using scrubber = new Scrubber(parts, { days: 30 })
  const tally = new Map<string, number>()
  const count = (what: string, more = 1) => tally.set(what, (tally.get(what) ?? 0) + more)

  for (let round = 0; round < rounds; round++) {
    await all(shards, (shard) => store.put(shard))
    const whole = shards.toSorted(() => random.fraction() - 0.5)
    const [victims, deleted] = [new Set<Shard>(), new Set<Shard>()]
    while (victims.size < perRound) {
      const [what, harm] = kinds[between(random, 0, kinds.length)]!
      if (what === 'two files swapped' && victims.size + 2 > perRound) continue
      const [shard, other] = [whole.pop()!, whole.at(-1)!]
      const hit = await harm(pathOf(shard), pathOf(other), random)
      victims.add(shard)
      if (hit.length > 1) victims.add(whole.pop()!)
      if (what === 'deleted') deleted.add(shard)
      count(what, hit.length)
    }

    const isRight = async (shard: Shard) => {
      const got = await store.get(nameOf(shard))
      if (victims.has(shard)) assert.equal(got, undefined, `${fileOf(shard)} was served`)
      else assert.ok(got !== undefined && equalBytes(got.bytes, shard.bytes))
    }
    const some = shards.filter(() => random.fraction() < 0.3)
    await all(some, isRight)
    const byReads = seen.size
    const { signal } = new AbortController()
    const { rotted, unread } = await scrubber.now({ signal, report: () => {} })
    assert.equal(unread, 0)
    assert.equal(seen.size, byReads + rotted)
    assert.equal(
      rotted + byReads,
      victims.size - deleted.size,
      'what is there is found by the scrub',
    )
    await all(shards, isRight)
    count('= found by a read', byReads + deleted.size)
    count('= found by the scrub', rotted)
    seen.clear()
  }

  t.diagnostic([...tally].map(([what, times]) => `${what}: ${times}`).join(', '))
  assert.equal(
    tally.get('= found by a read')! + tally.get('= found by the scrub')!,
    rounds * perRound,
  )
})
