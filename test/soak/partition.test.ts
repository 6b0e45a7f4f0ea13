import { it } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import { whyNoNetwork } from '../system/network.ts'
import { partition } from '../system/networkStories.ts'
import { NetworkTown, until } from '../system/networkTown.ts'

const lastsMs = 60_000
const rounds = 3

it(
  'Two sides agree soon after each of three partitions of a minute has healed',
  { skip: await whyNoNetwork() },
  async (t) => {
    await using town = await NetworkTown.open()
    for (let at = 0; at < 5; at++) await town.add(at % 3 === 0 ? 'reader' : 'storage')
    await until(() => town.agrees(), 30_000, 'all have met')
    const cutOff = town.citizens.slice(3)
    for (let round = 0; round < rounds; round++) {
      const bytes = seededRandom(round).bytes(2_000_000)
      const tookMs = await partition(town, cutOff, { lastsMs, bytes })
      t.diagnostic(`after ${lastsMs / 1000} s, it took ${tookMs / 1000} s to agree`)
    }
  },
)
