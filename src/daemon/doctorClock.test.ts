import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compareClocks } from './doctorClock.ts'

/** What members answered whose clocks are so many seconds ahead. */
const compared = (seconds: readonly number[], withinMs = 20) =>
  compareClocks(
    seconds.map((ahead, at) => ({ by: `m${at}`, aheadMs: ahead * 1000, withinMs })),
    (id) => `member ${id}`,
  )

describe('A clock, compared with those of members', () => {
  it('is right when theirs agree, also when answers take their time', () => {
    assert.equal(compared([0, 1, -2]).state, 'ok')
    assert.equal(compared([90], 40_000).state, 'ok')
    assert.equal(compared([]).state, 'ok')
  })

  it('is wrong when most of them differ from it', () => {
    assert.match(compared([120, 121, 0]).seen, /^it is 120 seconds behind compared with 3 others/)
    const far = compared([-86_400, -86_401])
    assert.deepEqual([far.state, far.code], ['bad', 'not-allowed'])
    assert.match(far.seen, /86400 seconds ahead/)
  })

  it('is right when one of many differs, which is named', () => {
    const one = compared([0, 3_600, 0])
    assert.match(one.seen, /^that of member m1 is 3600 seconds ahead/)
    assert.equal(one.state, 'warn')
  })
})
