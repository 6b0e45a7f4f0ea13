import assert from 'node:assert/strict'
import { it } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { memoryLog, type LogLine } from '../base/log.ts'
import { MemoryNetwork } from '../transport/memory.ts'
import { MemoryNotary } from '../transport/memoryNotary.ts'
import { Membership } from './membership.ts'
import type { Saying } from './record.ts'

const saying: Omit<Saying, 'at'> = {
  ...{ name: 'n', zone: '', addresses: [], relays: [], offersRelay: false },
  ...{ capacity: 1, free: 1, stage: 'here' },
}

it('A member goes on when it cannot say how it is, and closes while it finds out', async () => {
  const network = new MemoryNetwork({ seed: 1 })
  const lines: LogLine[] = []
  const outcomes = [Promise.reject(new Error('the disk is gone')), Promise.resolve({ free: 7 })]
  const asked = Promise.withResolvers<void>()
  const last = Promise.withResolvers<Partial<Saying>>()
  for (const outcome of outcomes) outcome.catch(() => {}) // It is looked at later.
  const describe = () => {
    const next = outcomes.shift()
    if (next === undefined) asked.resolve()
    return next ?? last.promise
  }
  const membership = new Membership(
    {
      ...{ transporter: network.member('ann'), notary: new MemoryNotary('ann', 'storage') },
      ...{ clock: systemClock, random: network.random, log: memoryLog(lines), describe },
    },
    saying,
    { heartbeatMs: 5 },
  )
  await asked.promise
  assert.equal(membership.own.free, 7)
  assert.deepEqual(
    lines.map(({ fields }) => fields),
    [{ why: 'the disk is gone', held: 0 }],
  )

  await membership[Symbol.asyncDispose]()
  last.reject(new Error('the store is closed'))
  await systemClock.sleep(20)
  assert.equal(lines.length, 1)
})
