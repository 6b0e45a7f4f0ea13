import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Clock } from '../base/clock.ts'
import { between, seededRandom } from '../base/random.ts'
import { BytePace } from './pace.ts'

/** A clock on which every rest is over at once, and has taken as long as it should. */
function steppingClock(): Clock & { ms: number } {
  const clock = {
    ms: 1_000_000,
    now: () => clock.ms,
    sleep: async (ms: number) => void (clock.ms += ms),
  }
  return clock
}

describe('A pace', () => {
  it('lets pass what was agreed, for every second and at the beginning, and no more', async () => {
    const clock = steppingClock()
    const pace = new BytePace({ clock, bytesPerSecond: 1000, burstBytes: 500 })
    const random = seededRandom(5)
    const from = clock.ms
    let passed = 0
    while (passed < 100_000) {
      const size = between(random, 1, 300)
      await pace.take(size)
      passed += size
      assert.ok(passed <= 500 + (clock.ms - from) + 1, `${passed} bytes in ${clock.ms - from} ms`)
    }
    assert.ok(clock.ms - from < 100_000, 'and no less')
  })

  it('lets pass at once what fits after a quiet while, however long that was', async () => {
    const clock = steppingClock()
    const pace = new BytePace({ clock, bytesPerSecond: 1000, burstBytes: 500 })
    await pace.take(5000)
    clock.ms += 3_600_000
    const from = clock.ms
    await pace.take(500)
    assert.equal(clock.ms, from)
    await pace.take(500)
    assert.equal(clock.ms, from + 500)
  })

  it('goes on when the clock is set back', async () => {
    const clock = steppingClock()
    const pace = new BytePace({ clock, bytesPerSecond: 1000, burstBytes: 500 })
    await pace.take(500)
    clock.ms -= 3_600_000
    const from = clock.ms
    await pace.take(500)
    assert.equal(clock.ms, from + 500)
  })

  it('shares among those who ask at once, in their order', async () => {
    const rests: number[] = []
    const clock: Clock = { now: () => 0, sleep: async (ms) => void rests.push(ms) }
    const pace = new BytePace({ clock, bytesPerSecond: 1000, burstBytes: 100 })
    await Promise.all([pace.take(100), pace.take(100), pace.take(100)])
    assert.deepEqual(rests, [100, 200])
  })

  it('ends a wait with the reason of the signal', async () => {
    const reason = new Error('gone')
    const clock: Clock = {
      now: () => 0,
      sleep: async (_ms, signal) => signal?.throwIfAborted(),
    }
    const pace = new BytePace({ clock, bytesPerSecond: 1, burstBytes: 1 })
    await assert.rejects(pace.take(9, AbortSignal.abort(reason)), (error) => error === reason)
  })
})
