import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatFailure, formatSum, tellMany } from './crowd.ts'
import { tell } from './story.ts'

const { DREY_SEED: only } = process.env
const count = 200
const forMs = 100_000 // A busy machine tells fewer.

function everyStory(): void {
  it('keeps what it acknowledged, hands out no wrong byte, and mends itself', async () => {
    const sum = await tellMany({ first: 1, count, forMs })

    console.log(formatSum(sum))
    assert.equal(sum.failed.length, 0, sum.failed.map(formatFailure).join('\n\n'))
  })

  it('has the same story for the same seed', async () => {
    const [once, again] = [await tell(24), await tell(24)]

    assert.deepEqual(again.events, once.events)
    assert.ok(once.events.length > 300)
  })
}

async function oneStory(): Promise<void> {
  const outcome = await tell(Number(only))

  console.log(outcome.events.join('\n'))
  assert.equal(outcome.violations.length, 0, formatFailure(outcome))
}

if (only === undefined) describe('A neighbourhood in bad weather', everyStory)
else it(`The story of seed ${only}`, oneStory)
