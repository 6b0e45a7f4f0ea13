import { after, before, describe, it } from 'node:test'
import { duringGet, duringMend, duringPut, duringRecode, UnderFire } from '../system/killStories.ts'

const seed = Number(process.env.DREY_SEED ?? 29)
const kills = Number(process.env.DREY_KILLS ?? 200) // Of each kind.

for (const [when, round] of Object.entries({ duringPut, duringGet, duringMend, duringRecode })) {
  describe(`When ${kills} nodes are killed without warning, one after the other (seed ${seed})`, () => {
    let fire: UnderFire
    before(async () => (fire = await UnderFire.open(seed)))
    after(() => fire[Symbol.asyncDispose]())

    it(`everything that was acknowledged comes back: ${when}`, async () => {
      await fire.kill(4, duringPut) // Something to read, to mend, and to code anew.
      await fire.kill(kills, round)
    })
  })
}
