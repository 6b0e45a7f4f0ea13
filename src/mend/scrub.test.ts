import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Clock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { Activity } from '../node/activity.ts'
import { FlakyStore } from '../store/flaky.ts'
import { MemoryStore } from '../store/memory.ts'
import { RotNews } from '../store/rotNews.ts'
import { sampleShard } from '../store/sample.ts'
import type { Store } from '../store/store.ts'
import { Scrubber, type ScrubberParts } from './scrub.ts'
import { formatScrubState, parseScrubState, type ScrubState } from './scrubState.ts'

const days = 30
const dayMs = 24 * 3_600_000
const shards = 3_000 // Three in a subfolder; none in some.

/** Rests are over at once, and have taken as long as they should. What is planned happens at its time. */
class SteppingClock implements Clock {
  ms = 1_800_000_000_000
  readonly #planned: { at: number; event: () => void }[] = []

  now(): number {
    return this.ms
  }

  after(ms: number, event: () => void): void {
    this.#planned.push({ at: this.ms + ms, event })
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.ms += ms
    for (const { at, event } of this.#planned) if (at <= this.ms) event()
    signal?.throwIfAborted()
  }
}

async function filledStore(): Promise<MemoryStore> {
  const [store, random] = [new MemoryStore(), seededRandom(1)]
  for (let n = 0; n < shards; n++) await store.put(sampleShard(random, { bytes: 10 }))
  return store
}

interface Bench extends ScrubberParts {
  readonly clock: SteppingClock
  readonly saved: ScrubState[]
}

async function bench(store?: Store, rot = new RotNews()): Promise<Bench> {
  const [clock, saved] = [new SteppingClock(), [] as ScrubState[]]
  const save = async (state: ScrubState) => void saved.push(state)
  const parts = { store: store ?? (await filledStore()), rot, clock, saved, save, log: silentLog }
  return { ...parts, activity: new Activity(clock) }
}

/** Scrubs for so many days of the clock. */
async function run(scrubber: Scrubber, clock: SteppingClock, forDays: number): Promise<void> {
  const controller = new AbortController()
  clock.after(forDays * dayMs, () => controller.abort(new Error('the node is closing')))
  await scrubber.run(controller.signal)
}

const unheard = { signal: new AbortController().signal, report: () => {} }

describe('A scrub', () => {
  it('reads everything once in its time, evenly, and begins again', async () => {
    const parts = await bench()
    using scrubber = new Scrubber(parts, { days })
    const began = parts.clock.now()
    for (const tenth of [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
      await run(scrubber, parts.clock, days / 10)
      const { shards: read, part, endsAt } = scrubber.progress.pass
      assert.ok(Math.abs(read / shards - tenth / 10) < 0.03, `${read} after ${tenth} tenths`)
      assert.ok(Math.abs(part - tenth / 10) < 0.01)
      assert.ok(Math.abs(endsAt - began - days * dayMs) < dayMs / 4)
    }
    await run(scrubber, parts.clock, days / 5)
    const { last, pass } = scrubber.progress
    assert.deepEqual([last!.shards, last!.bytes, last!.rotted], [shards, shards * 10, 0])
    assert.ok(Math.abs(last!.endedAt - last!.startedAt - days * dayMs) < 1000)
    assert.ok(pass.shards > 0 && pass.startedAt === last!.endedAt)
  })

  it('goes on where it was after the node was off, and ends in time all the same', async () => {
    const parts = await bench()
    const { clock, saved } = parts
    {
      using scrubber = new Scrubber(parts, { days })
      await run(scrubber, clock, 10)
    }
    clock.ms += 10 * dayMs
    const state = parseScrubState(formatScrubState(saved.at(-1)!))
    using scrubber = new Scrubber(parts, { days, state })
    const before = scrubber.progress.pass.part
    assert.ok(before > 0.32 && before < 0.34, `${before}`)

    await run(scrubber, clock, 10.1)

    const { last } = scrubber.progress
    assert.ok(Math.abs(last!.endedAt - last!.startedAt - days * dayMs) < 1000)
    assert.equal(last!.shards, shards)
  })

  it('remembers every ten minutes and at the end, not more often', async () => {
    const parts = await bench()
    using scrubber = new Scrubber(parts, { days: 0.5 })
    await run(scrubber, parts.clock, 0.25)
    assert.ok(parts.saved.length >= 35 && parts.saved.length <= 37, `${parts.saved.length}`)
  })

  it('makes up for a year with patience: eight times as fast as usual, no faster', async () => {
    const parts = await bench()
    const { clock } = parts
    using scrubber = new Scrubber(parts, { days })
    await run(scrubber, clock, 1)
    clock.ms += 365 * dayMs
    const from = clock.now()
    await run(scrubber, clock, days / 8 + 0.1)
    const took = scrubber.progress.last!.endedAt - from
    assert.ok(took > 0.95 * (days / 8) * dayMs, `${took / dayMs} days`)
  })

  it('is not stopped by a clock that was set back', async () => {
    const parts = await bench()
    const { clock } = parts
    using scrubber = new Scrubber(parts, { days })
    await run(scrubber, clock, 15)
    clock.ms -= 365 * dayMs
    await run(scrubber, clock, 15.2)
    assert.ok(scrubber.progress.last !== undefined)
  })

  it('gives way while people read and write, and still ends', async () => {
    const parts = await bench()
    const { clock, activity } = parts
    using scrubber = new Scrubber(parts, { days })
    const waiting = activity.begin()
    await run(scrubber, clock, 3)
    assert.ok(scrubber.progress.pass.part < 0.06, 'half as fast')
    await run(scrubber, clock, 28)
    waiting.end()
    const { startedAt, endedAt } = scrubber.progress.last!
    assert.ok(endedAt - startedAt < 1.02 * days * dayMs)
  })

  it('counts what had rotted, whoever read it', async () => {
    const rot = new RotNews()
    const rotting = { random: seededRandom(3), rotting: 0.01, onRot: rot.tell.bind(rot) }
    const inner = await filledStore()
    const store = new FlakyStore(inner, rotting)
    const parts = await bench(store, rot)
    using scrubber = new Scrubber(parts, { days })
    for await (const name of inner.list({ subfolder: 'aa' })) await store.get(name)
    const report = await scrubber.now(unheard)
    const gone = shards - (await inner.usage()).shards
    assert.ok(gone > 10)
    assert.equal(report.rotted, gone)
    assert.equal(report.shards + report.rotted, shards)
  })

  it('goes on past what cannot be read, and says how much that was', async () => {
    class Holed extends FlakyStore {
      override list(options: { subfolder: string }) {
        if (options.subfolder === 'xx') throw Object.assign(new Error('no such folder'))
        return super.list(options)
      }
    }
    const inner = await filledStore()
    const store = new Holed(inner, { random: seededRandom(4), failing: 0.1 })
    using scrubber = new Scrubber(await bench(store), { days })
    const { shards: read, unread } = await scrubber.now(unheard)
    const hidden = (await Array.fromAsync(inner.list({ subfolder: 'xx' }))).length
    assert.ok(hidden > 0)
    assert.equal(read + unread + hidden - 1, shards)
    assert.equal((await inner.usage()).shards, shards)
  })
})

describe('A scrub at full speed', () => {
  it('counts as a pass, and the next one begins then', async () => {
    const parts = await bench()
    using scrubber = new Scrubber(parts, { days })
    await run(scrubber, parts.clock, 10)
    const told: number[] = []
    const report = await scrubber.now({ ...unheard, report: ({ bytes }) => void told.push(bytes) })
    assert.equal(report.shards, shards)
    assert.deepEqual(
      told.toSorted((a, b) => a - b),
      told,
    )
    assert.equal(told.at(-1), shards * 10)
    assert.deepEqual(scrubber.progress.last, report)
    assert.equal(scrubber.progress.pass.part, 0)
    assert.deepEqual(parts.saved.at(-1)!.last, report)
  })

  it('ends when nobody waits for it, and leaves the slow one where it was', async () => {
    const parts = await bench()
    using scrubber = new Scrubber(parts, { days })
    await run(scrubber, parts.clock, 10)
    const before = scrubber.progress
    const controller = new AbortController()
    const gone = new Error('the asker has gone')
    const report = ({ bytes }: { bytes: number }) => {
      if (bytes > 5_000) controller.abort(gone)
    }
    await assert.rejects(scrubber.now({ signal: controller.signal, report }), gone)
    assert.deepEqual(scrubber.progress, before)
    await scrubber.now(unheard)
  })

  it('is refused to a second who asks meanwhile', async () => {
    using scrubber = new Scrubber(await bench(), { days })
    const first = scrubber.now(unheard)
    await assert.rejects(scrubber.now(unheard), { code: 'busy' })
    await first
  })
})

describe('What a scrub remembers', () => {
  it('is taken for nothing when it is damaged', () => {
    const count = { shards: 1, bytes: 2, rotted: 0, unread: 0 }
    const pass = { ...count, startedAt: 5, subfolder: 'ab' }
    const last = { ...count, startedAt: 1, endedAt: 5 }
    for (const good of [
      { pass, last: undefined },
      { pass, last },
    ]) {
      assert.deepEqual(parseScrubState(formatScrubState(good)), good)
    }
    const damaged = [
      ...[null, 7, [], {}, { pass: null }, { pass: count }],
      { pass: { ...pass, subfolder: '..' } },
      { pass: { ...pass, shards: -1 } },
      { pass: { ...pass, startedAt: '5' } },
      { pass, last: {} },
    ]
    const texts = damaged.map((bad) => {
      return JSON.stringify(typeof bad === 'object' ? { version: 1, ...bad } : bad)
    })
    const newer = JSON.stringify({ version: 2, pass })
    for (const text of ['', '{"pass":', newer, ...texts]) {
      assert.equal(parseScrubState(text), undefined, text)
    }
  })
})
