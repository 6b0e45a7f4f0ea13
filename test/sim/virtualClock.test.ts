import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { timeLimit } from '../../src/base/clock.ts'
import { seededRandom } from '../../src/base/random.ts'
import { VirtualClock } from './virtualClock.ts'

const hourMs = 3_600_000

describe('Virtual time', () => {
  it('jumps to the next timer, and has them in order', async () => {
    const clock = new VirtualClock(seededRandom(1))
    const seen: number[] = []
    const rest = async (ms: number) => {
      await clock.sleep(ms)
      assert.equal(clock.age, ms)
      seen.push(ms)
    }
    const waits = Array.from({ length: 200 }, (_, at) => ((at * 7_919) % 200) * hourMs)

    await clock.run(Promise.all(waits.map(rest)))

    assert.deepEqual(
      seen,
      waits.toSorted((a, b) => a - b),
    )
  })

  it('does not pass while anything runs', async () => {
    const clock = new VirtualClock(seededRandom(1))
    const work = async () => {
      void clock.sleep(1)
      for (let step = 0; step < 1_000; step++) await Promise.resolve()
      assert.equal(clock.age, 0)
    }

    await clock.run(work())
  })

  it('forgets timers that nobody waits for', async () => {
    const clock = new VirtualClock(seededRandom(1))
    const leaving = new AbortController()
    const resting = Array.from({ length: 500 }, () => clock.sleep(hourMs, leaving.signal))
    const work = async () => {
      await clock.sleep(5)
      leaving.abort(new Error('time to go'))
      await Promise.allSettled(resting)
      await clock.sleep(2 * hourMs)
    }

    await clock.run(work())

    assert.equal(clock.age, 5 + 2 * hourMs)
    assert.equal(clock.steps, 2)
    await assert.rejects(resting[0]!, /time to go/)
  })

  it('says when all wait and nothing can come of it', async () => {
    const clock = new VirtualClock(seededRandom(1))

    await assert.rejects(clock.run(new Promise(() => {})), /nothing to wait for/)
  })

  it('limits what somebody waits for', async () => {
    const clock = new VirtualClock(seededRandom(1))
    const outer = new AbortController()
    const work = async () => {
      const long = timeLimit(clock, hourMs, outer.signal)
      await assert.rejects(clock.sleep(2 * hourMs, long.signal), { name: 'TimeoutError' })
      assert.equal(clock.age, hourMs)
      {
        using needless = timeLimit(clock, hourMs)
        assert.equal(needless.signal.aborted, false)
      }
      const short = timeLimit(clock, hourMs, outer.signal)
      outer.abort(new Error('time to go'))
      await assert.rejects(clock.sleep(1, short.signal), /time to go/)
    }

    await clock.run(work())

    assert.equal(clock.age, hourMs)
  })
})
