import assert from 'node:assert/strict'
import { it } from 'node:test'
import { systemClock } from './clock.ts'

it('Resting ends with the reason of the signal', async () => {
  const leaving = new AbortController()
  const resting = systemClock.sleep(60_000, leaving.signal)
  leaving.abort(new Error('time to go'))

  await assert.rejects(resting, /time to go/)
  await assert.rejects(systemClock.sleep(1, leaving.signal), /time to go/)
})
