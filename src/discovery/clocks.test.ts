import assert from 'node:assert/strict'
import { it } from 'node:test'
import { systemClock, type Clock } from '../base/clock.ts'
import { MemoryNetwork } from '../transport/memory.ts'
import { answerClock, askClocks } from './clocks.ts'

const { signal } = new AbortController()

it('A member says what time it has, and how far that may be wrong is known', async () => {
  const network = new MemoryNetwork({ latencyMs: 5 })
  const ann = network.member('ann')
  const late: Clock = { ...systemClock, now: () => systemClock.now() - 3_600_000 }
  network.member('bob').serve(answerClock(late))
  await ann.connect('bob:1')

  const [bob] = await askClocks(ann.peers(), systemClock, signal)

  assert.equal(bob!.by, 'bob')
  assert.ok(bob!.withinMs > 0)
  assert.ok(Math.abs(bob!.aheadMs + 3_600_000) <= bob!.withinMs + 2, `${bob!.aheadMs}`) // Whole milliseconds.
})

it('Who does not say what time it has, or says nonsense, is left out', async () => {
  const network = new MemoryNetwork()
  const ann = network.member('ann')
  network.member('old').serve(() => Promise.reject(new Error('what is a clock?')))
  network.member('mad').serve(async () => ({ header: { now: 'noon' } }))
  await ann.connect('old:1')
  await ann.connect('mad:1')

  assert.deepEqual(await askClocks(ann.peers(), systemClock, signal), [])
})
