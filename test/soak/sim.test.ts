import assert from 'node:assert/strict'
import { it } from 'node:test'
import { formatFailure, formatSum, tellMany } from '../sim/crowd.ts'

const minutes = Number(process.env.DREY_MINUTES ?? 10)
const first = Number(process.env.DREY_SEED ?? 1_000_000)

it(`A neighbourhood lives through ${minutes} minutes of storms, from seed ${first} on`, async () => {
  const sum = await tellMany({ first, count: Infinity, forMs: minutes * 60_000 })

  console.log(formatSum(sum))
  assert.equal(sum.failed.length, 0, sum.failed.map(formatFailure).join('\n\n'))
})
