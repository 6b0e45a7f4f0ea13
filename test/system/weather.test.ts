import { after, before, describe, it } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import type { Citizen } from '../../src/cli/town.ts'
import { whyNoNetwork } from './network.ts'
import { partition } from './networkStories.ts'
import { comesBack, membersAt, NetworkTown, put, until } from './networkTown.ts'

const random = seededRandom(53)
// Over two wires, there and back: a round trip of 100 ms, and 1 % loss each way.
const bad = { lossPercent: 0.5, delayMs: 25 }
const partitionMs = 20_000 // More than a peer may be silent: connections end.

/** Whether all these say that it is to be dialed at this address, and nowhere else. */
async function isKnownAt(citizen: Citizen, host: string, by: readonly Citizen[]): Promise<boolean> {
  const views = await Promise.all(by.map((one) => membersAt(one)))
  return views.every((members) => {
    const { addresses } = members.find(({ name }) => name === citizen.name)!
    return addresses.length > 0 && addresses.every((address) => address.startsWith(`${host}:`))
  })
}

describe(
  'Nodes far from each other, on lines that lose packets',
  { skip: await whyNoNetwork() },
  () => {
    let town: NetworkTown
    let citizens: Citizen[]
    before(async () => {
      town = await NetworkTown.open()
      for (let at = 0; at < 5; at++) await town.add(at % 3 === 0 ? 'reader' : 'storage')
      citizens = [...town.citizens]
      await town.network.weather(bad)
      await until(() => town.agrees(), 30_000, 'all have met')
    })
    after(() => town?.[Symbol.asyncDispose]())

    it('give back what was put elsewhere, with 1 % loss and a round trip of 100 ms', async () => {
      const bytes = random.bytes(8_000_000)
      await comesBack(citizens[3]!, await put(citizens[0]!, bytes), bytes)
    })

    it('agree on the members soon after a partition has healed', async (t) => {
      const cutOff = citizens.slice(3)
      const bytes = random.bytes(2_000_000)
      const tookMs = await partition(town, cutOff, { lastsMs: partitionMs, bytes })
      t.diagnostic(`healed ${partitionMs / 1000} s later, it took ${tookMs / 1000} s to agree`)
    })

    it('find a node again that has moved to another address', async (t) => {
      const [founder] = citizens as [Citizen]
      const address = await town.network.readdress(town.hostsOf([founder])[0]!, 77)
      const isFound = async () =>
        (await town.agrees()) && (await isKnownAt(founder, address, citizens.slice(1)))
      const tookMs = await until(isFound, 120_000, 'all are connected to it, and know where it is')
      t.diagnostic(`${tookMs / 1000} s after it moved, all were connected to it`)
      const bytes = random.bytes(2_000_000)
      await comesBack(citizens[3]!, await put(founder, bytes), bytes)
    })
  },
)
