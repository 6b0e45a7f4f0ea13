import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { Activity } from './activity.ts'

describe('What a node does for people', () => {
  let now = 1_000
  const activity = new Activity({ ...systemClock, now: () => now })

  it('is over half a second after the last of them has what they waited for', () => {
    const { end } = activity.begin()
    now += 10_000
    assert.ok(activity.isBusy)
    end()
    assert.ok(activity.isBusy)
    now += 600
    assert.ok(!activity.isBusy)
  })

  it('counts each member once that took or sent a shard, for some seconds', () => {
    for (const member of ['ash', 'elm', 'ash']) activity.met(member)
    assert.equal(activity.partners, 2)
    now += 2_000
    activity.met('elm')
    now += 2_000
    assert.equal(activity.partners, 1)
    now += 60_000
    assert.equal(activity.partners, 0)
  })
})
