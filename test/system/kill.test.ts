import { after, before, describe, it } from 'node:test'
import {
  duringCollect,
  duringGet,
  duringMend,
  duringPut,
  duringRecode,
  UnderFire,
} from './killStories.ts'

const seed = Number(process.env.DREY_SEED ?? 23)
const kills = Number(process.env.DREY_KILLS ?? 1) // Of each kind; test/soak has many.

describe(`What was acknowledged comes back, and disks are whole, whoever is killed (seed ${seed})`, () => {
  let fire: UnderFire
  before(async () => (fire = await UnderFire.open(seed)))
  after(() => fire[Symbol.asyncDispose]())

  it('while a blob is put', () => fire.kill(kills + 2, duringPut))
  it('while one is read', () => fire.kill(kills, duringGet))
  it('while the swarm mends what a node has lost', () => fire.kill(kills, duringMend))
  it('while what was removed goes', () => fire.kill(kills + 1, duringCollect))
  it('while blocks are coded anew', () => fire.kill(kills, duringRecode))
})
