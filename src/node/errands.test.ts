import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Clock } from '../base/clock.ts'
import { Activity } from './activity.ts'
import { Errands } from './errands.ts'

/** Its time never goes on. */
const stillClock: Clock = {
  now: () => 0,
  sleep: (_ms, signal) =>
    new Promise((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    }),
}

it('A node that is closed waits for what it does for people, and may be closed twice', async () => {
  const errands = new Errands(new Activity(stillClock), stillClock)
  const errand = await errands.begin()
  let isClosed = false
  const closing = errands[Symbol.asyncDispose]().then(() => (isClosed = true))
  assert.ok(errand.signal.aborted, 'whoever does something hears of it')
  await Promise.resolve()
  assert.equal(isClosed, false)

  await errand[Symbol.asyncDispose]()
  await closing
  await errands[Symbol.asyncDispose]()
  await assert.rejects(errands.begin(), /the node is closing/)
})
