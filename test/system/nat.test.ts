import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import { statusOf, type Citizen } from '../../src/cli/town.ts'
import { whyNoNetwork } from './network.ts'
import { comesBack, get, membersAt, NetworkTown, put, until } from './networkTown.ts'

const random = seededRandom(81)
const { signal } = new AbortController()
const sayWhy = [3, 4, 5, 8] // Not found, too few shards, nobody there, not in time.

describe(
  'Two nodes, each behind a router that lets nobody in',
  { skip: await whyNoNetwork() },
  () => {
    let town: NetworkTown
    let [open, left, right]: Citizen[] = []
    before(async () => {
      town = await NetworkTown.open()
      open = await town.add('reader', { start: ['--relay'] })
      left = await town.add('reader', { router: true })
      right = await town.add('reader', { router: true })
      await until(() => town.agrees(), 60_000, 'all have met')
    })
    after(() => town?.[Symbol.asyncDispose]())

    it('are connected over the one that both can dial, and say so', async () => {
      const seen = (await membersAt(left!)).find(({ name }) => name === right!.name)
      assert.match(seen?.connected ?? '', /^relay:/)
      const { reach } = await statusOf(left!, signal)
      assert.deepEqual(reach.relays, [open!.name])
      assert.ok(reach.trials.length > 0 && reach.trials.every(({ why }) => why !== undefined))
    })

    it('read what the other has put', async () => {
      const bytes = random.bytes(3_000_000)
      await comesBack(right!, await put(left!, bytes), bytes)
    })

    it('say what is missing, both, when the one in between is gone', async () => {
      const address = await put(left!, random.bytes(3_000_000))
      await town.town.kill(open!)
      for (const [at, other] of [
        [left!, right!],
        [right!, left!],
      ] as const) {
        const isAlone = async () => (await statusOf(at, signal)).members.length === 0
        await until(isAlone, 30_000, `${at.name} notices`)
        const { code, stderr } = await get(at, address)
        assert.ok(sayWhy.includes(code!), `exit code ${code}: ${stderr}`)
        for (const { name } of [open!, other]) assert.match(stderr, new RegExp(name))
      }
    })
  },
)
