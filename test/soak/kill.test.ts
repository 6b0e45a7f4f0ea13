import { after, before, describe, it } from 'node:test'
import * as stories from '../system/killStories.ts'

const seed = Number(process.env.DREY_SEED ?? 29)
const kills = Number(process.env.DREY_KILLS ?? 200) // Of each kind.

const { duringPut, duringGet, duringMend, duringCollect, duringRecode, UnderFire } = stories
const rounds = { duringPut, duringGet, duringMend, duringCollect, duringRecode }

for (const [when, round] of Object.entries(rounds)) {
  describe(`When ${kills} nodes are killed without warning, one after the other (seed ${seed})`, () => {
    let fire: stories.UnderFire
    before(async () => (fire = await UnderFire.open(seed)))
    after(() => fire[Symbol.asyncDispose]())

    it(`everything that was acknowledged comes back: ${when}`, async () => {
      await fire.kill(4, duringPut) // Something to read, to mend, and to code anew.
      await fire.kill(kills, round)
    })
  })
}
