import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Pace } from './pace.ts'

describe('A pace', () => {
  it('knows a busy network from a long one by the quickest fetches', () => {
    const [busy, far] = [new Pace(), new Pace()]
    for (let fetch = 0; fetch < 200; fetch++) {
      busy.took(fetch % 8 === 0 ? 20 : 400)
      far.took(150 + (fetch % 5) * 60)
    }

    assert.ok(busy.usualMs > far.usualMs)
    assert.ok(busy.quickestMs < 30, `${busy.quickestMs}`)
    assert.ok(far.quickestMs >= 150, `${far.quickestMs}`)
  })

  it('forgets a path that was short once', () => {
    const pace = new Pace()
    pace.took(1)

    for (let fetch = 0; fetch < 150; fetch++) pace.took(200)

    assert.equal(pace.quickestMs, 200)
  })
})
