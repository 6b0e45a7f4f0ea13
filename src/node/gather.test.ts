import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { blake3 } from '../address/blake3.ts'
import { isDreyError } from '../base/error.ts'
import { seededRandom } from '../base/random.ts'
import type { Layout } from '../coding/layout.ts'
import { address, block, coded, gathered, hold, residents, type Resident } from './gatherFixture.ts'
import type { Holder } from './holder.ts'

describe('Gathering a block', () => {
  it('asks as many holders as it takes, once each, when all is well', async () => {
    const four = await coded({ k: 4, n: 6 })
    const town = residents(6)
    for (const [index, each] of town.entries()) await hold(each, four, index)
    const { bytes, findings } = await gathered(town.map(({ holder }) => holder))

    assert.ok(bytes.equals(block))
    assert.deepEqual(findings, [])
    assert.deepEqual(
      town.map(({ fetches }) => fetches),
      [1, 1, 1, 1, 0, 0],
    )
  })

  it('asks no more of them than the block before took, put when the swarm was smaller', async () => {
    const two = await coded({ k: 2, n: 3 })
    const town = residents(6)
    for (const [index, each] of town.slice(0, 3).entries()) await hold(each, two, index)
    const [holders, guess] = [town.map(({ holder }) => holder), { shards: 4 }]
    await gathered(holders, guess)
    const before = town.map(({ fetches }) => fetches)
    await gathered(holders, guess)

    assert.deepEqual(
      town.map(({ fetches }, at) => fetches - before[at]!),
      [1, 1, 0, 0, 0, 0],
    )
  })

  it('finds the true layout though the one who answers first has another', async () => {
    const [four, other] = [await coded({ k: 4, n: 6 }), await coded({ k: 2, n: 3 })]
    const town = residents(6, (index) => index > 0)
    await hold(town[0]!, other, 0)
    for (const [index, each] of town.slice(1).entries()) await hold(each, four, index)
    const { bytes } = await gathered(town.map(({ holder }) => holder))

    assert.ok(bytes.equals(block))
    assert.ok(
      town.every(({ fetches }) => fetches <= 4),
      `nobody is asked over and over: ${town.map(({ fetches }) => fetches).join(', ')}`,
    )
  })

  it('reads the layout that is whole where every holder has a part of another first', async () => {
    const [five, four] = [await coded({ k: 5, n: 6 }), await coded({ k: 4, n: 6 })]
    const town = residents(4) // Two of six are gone.
    for (const [index, each] of town.entries()) {
      await hold(each, five, index)
      await hold(each, four, index)
    }
    const { bytes, findings } = await gathered(town.map(({ holder }) => holder))

    assert.ok(bytes.equals(block))
    assert.deepEqual(findings, [])
  })

  it('reads on where someone has sent a false layout to every holder before', async () => {
    const false4 = await coded({ k: 4, n: 6 }, seededRandom(4).bytes(block.length))
    const true4 = await coded({ k: 4, n: 6 })
    const town = residents(6)
    for (const [index, each] of town.entries()) {
      await hold(each, false4, index)
      await hold(each, true4, index)
    }
    const { bytes, findings } = await gathered(town.map(({ holder }) => holder))

    assert.ok(bytes.equals(block))
    assert.ok(findings.length > 0 && findings.every(({ what }) => what === 'false-layout'))
  })

  it('drops a false layout that one holder has all shards of, and names only that one', async () => {
    const false2 = await coded({ k: 2, n: 4 }, seededRandom(4).bytes(block.length))
    const true4 = await coded({ k: 4, n: 6 })
    const town = residents(6, (index) => index > 0)
    for (let index = 0; index < 4; index++) await hold(town[0]!, false2, index)
    for (const [index, each] of town.slice(1).entries()) await hold(each, true4, index)
    const { bytes, findings } = await gathered(town.map(({ holder }) => holder))

    assert.ok(bytes.equals(block))
    assert.deepEqual(
      findings.map(({ what, member }) => [what, member]),
      [['false-layout', 'n0']],
    )
  })

  it('asks somebody again for a shard that was not needed, when the one of another was wrong', async () => {
    const two = await coded({ k: 2, n: 3 })
    const [liar, honest] = residents(2) as [Resident, Resident]
    for (const index of [0, 1]) await hold(honest, two, index)
    const lie: Holder['fetch'] = async (_of, _wanted, into) => {
      into(two.layout, 0)?.fill(7)
      return { fetched: { layout: two.layout, index: 0, also: [] }, rotted: [] }
    }
    const town = [{ ...liar.holder, fetch: lie }, honest.holder]
    const { bytes, findings } = await gathered(town, { shards: 1 })

    assert.ok(bytes.equals(block))
    assert.deepEqual(
      findings.map(({ what, member }) => [what, member]),
      [['wrong-shard', 'n0']],
    )
  })

  it('asks somebody again who had nothing else to give, when what had come was wrong', async () => {
    const two = await coded({ k: 2, n: 3 })
    const [liar, empty, honest, other] = residents(4, (index) => index === 1) as [
      ...[Resident, Resident, Resident, Resident],
    ]
    await hold(honest, two, 0)
    await hold(other, two, 1)
    const lie: Holder['fetch'] = async (_of, _wanted, into) => {
      into(two.layout, 0)?.fill(7)
      return { fetched: { layout: two.layout, index: 0, also: [] }, rotted: [] }
    }
    const town = [{ ...liar.holder, fetch: lie }, empty.holder, honest.holder, other.holder]
    const { bytes, findings } = await gathered(town, { shards: 2 })

    assert.ok(bytes.equals(block))
    assert.equal(honest.fetches, 2)
    assert.deepEqual(
      findings.map(({ what, member }) => [what, member]),
      [['wrong-shard', 'n0']],
    )
  })

  it('of copies names the liar who answers first, and nobody else', async () => {
    const copies = await coded({ k: 1, n: 3 })
    const town = residents(3, (index) => index > 0)
    for (const [index, each] of town.entries()) await hold(each, copies, index)
    const liar = town[0]!.holder
    town[0]!.holder = {
      ...liar,
      fetch: (of, wanted, into, signal) =>
        liar.fetch(
          of,
          wanted,
          (layout, index) => into(layout, index)?.fill(9) && undefined,
          signal,
        ),
    }
    const { bytes, findings } = await gathered(town.map(({ holder }) => holder))

    assert.ok(bytes.equals(block))
    assert.deepEqual(
      findings.map(({ what, member }) => [what, member]),
      [['wrong-shard', 'n0']],
    )
  })

  it('ends, though a liar has something else to offer whenever it is asked', async () => {
    const town = residents(1)
    let asked = 0
    const { layout } = await coded({ k: 2, n: 8 })
    const fresh = (): Layout => {
      asked += 1
      return { ...layout, shards: layout.shards.map(() => blake3.hash(Buffer.from(`${asked}`))) }
    }
    town[0]!.holder = {
      ...town[0]!.holder,
      have: async () => [{ layout: `${asked}`, index: 0 }],
      fetch: async (_of, _wanted, into) => {
        const lie = fresh()
        into(lie, 0)
        return { fetched: { layout: lie, index: 0, also: [1, 2, 3] }, rotted: [] }
      },
    }
    const reading = gathered(town.map(({ holder }) => holder))

    await assert.rejects(reading, (error) => isDreyError(error, 'not-enough-shards'))
    assert.ok(asked < 1000, `asked ${asked} times`)
  })

  it('finds shards at members who are not those that should have them', async () => {
    const four = await coded({ k: 4, n: 6 })
    const town = residents(12)
    for (let index = 0; index < 4; index++) await hold(town[11 - index]!, four, index)

    assert.ok((await gathered(town.map(({ holder }) => holder))).bytes.equals(block))
  })

  it('says which block lacks how many shards', async () => {
    const four = await coded({ k: 4, n: 6 })
    const town = residents(6)
    for (let index = 0; index < 3; index++) await hold(town[index]!, four, index)

    await assert.rejects(gathered(town.map(({ holder }) => holder)), (error) => {
      assert.ok(isDreyError(error, 'not-enough-shards'))
      assert.ok(error.message.startsWith(`block ${address}: 4 shards are needed, 3 were found`))
      return true
    })
  })
})
