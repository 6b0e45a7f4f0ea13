import { describe, it } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import { whyNoNetwork } from '../system/network.ts'
import { partition } from '../system/networkStories.ts'
import { NetworkTown, until } from '../system/networkTown.ts'

const lastsMs = 60_000
const bytes = seededRandom(91).bytes(4_000_000)

describe('A partition of a minute', { skip: await whyNoNetwork() }, () => {
  it('is over for both sides soon after it has healed', async (t) => {
    await using town = await NetworkTown.open()
    for (let at = 0; at < 5; at++) await town.add(at % 3 === 0 ? 'reader' : 'storage')
    await until(() => town.agrees(), 60_000, 'all have met')
    const tookMs = await partition(town, town.citizens.slice(3), { lastsMs, bytes })
    t.diagnostic(`it took ${tookMs / 1000} s to agree`)
  })
})
