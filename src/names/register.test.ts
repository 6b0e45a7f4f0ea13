import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { equalBytes } from '../base/bytes.ts'
import { seededRandom } from '../base/random.ts'
import { MemoryNotary } from '../transport/memoryNotary.ts'
import { compareEntries, type Entry } from './entry.ts'
import { entryOf, newRegister } from './fixture.ts'
import { bucketCount, differing } from './register.ts'

const chance = { random: seededRandom(1) }
const [ann, ben] = ['ann', 'ben'].map((id) => new MemoryNotary(id, 'reader'))
const at = 1_700_000_000_000
const shuffled = (entries: readonly Entry[]) =>
  entries.toSorted(() => (chance.random.fraction() < 0.5 ? -1 : 1))
const versions = (entries: readonly Entry[]) => entries.map(({ version }) => version)

describe('A register of names', () => {
  it('has the same of the same entries, in whatever order they came', async () => {
    const entries = Array.from({ length: 60 }, (_, index) => {
      const name = `n${index % 2}`
      const version = 1 + (index % 13)
      return entryOf(index % 3 ? ann! : ben!, chance, { name, version, at: at + (index % 4) })
    })
    const [one, other] = [newRegister({ historyMax: 5 }), newRegister({ historyMax: 5 })]
    for (const entry of shuffled(entries)) await one.add([entry])
    await other.add(shuffled(entries))

    const [first] = entries.toSorted(compareEntries)
    assert.deepEqual(one.sum, other.sum)
    assert.deepEqual(one.newest(first!.slot), first)
    for (const { slot } of entries.slice(0, 2)) {
      const all = entries.filter((entry) => entry.slot === slot).toSorted(compareEntries)
      assert.deepEqual(one.history(slot), all.slice(0, 5))
    }
  })

  it('lets the greater version count, then the later one, then the smaller signer', async () => {
    const register = newRegister()
    const said = [
      entryOf(ben!, chance, { version: 2, at }),
      entryOf(ann!, chance, { version: 2, at }),
      entryOf(ann!, chance, { version: 1, at: at + 9 }),
      entryOf(ben!, chance, { version: 2, at: at + 1 }),
      entryOf(ben!, chance, { version: 3, at: at - 9 }),
    ]
    await register.add(said)

    const order = [4, 3, 1, 0, 2].map((index) => said[index])
    assert.deepEqual(register.history(said[0]!.slot), order)
  })

  it('keeps a history of some entries, and not what is older than those', async () => {
    const register = newRegister({ historyMax: 3 })
    const entries = [5, 4, 3, 2, 1].map((version) => entryOf(ann!, chance, { version, at }))
    const fresh = await register.add(entries)

    assert.deepEqual(versions(fresh), [5, 4, 3])
    assert.deepEqual(versions(register.history(entries[0]!.slot)), [5, 4, 3])
    assert.deepEqual(await register.add(entries), [])
  })

  it('takes so many names and no more, and goes on with those that it has', async () => {
    const register = newRegister({ namesMax: 2 })
    const named = (name: string, version = 1) => entryOf(ann!, chance, { name, version, at })

    assert.equal((await register.add([named('a'), named('b'), named('c')])).length, 2)
    assert.equal((await register.add([named('a', 2), named('d')])).length, 1)
    assert.equal(register.hasRoom(named('d').slot), false)
    assert.equal(register.hasRoom('catalog:ann'), true)
  })

  it('keeps one entry of a catalog', async () => {
    const register = newRegister()
    const say = (version: number) => entryOf(ann!, chance, { slot: 'catalog:ann', version, at })
    await register.add([say(1), say(2)])

    assert.deepEqual(versions(register.history('catalog:ann')), [2])
    assert.deepEqual(versions(register.all('catalog')), [2])
    assert.deepEqual(register.all('name'), [])
  })

  it('tells where it differs from another', async () => {
    const [one, other] = [newRegister(), newRegister()]
    const both = entryOf(ann!, chance, { name: 'a', at })
    const alone = entryOf(ann!, chance, { name: 'b', at })
    await one.add([both, alone])
    await other.add([both])

    assert.deepEqual(differing(one.sums(), other.sums()), [alone.hash[0]])
    assert.ok(!equalBytes(one.sum, other.sum))
    assert.ok(one.hashesIn(alone.hash[0]!).some((hash) => equalBytes(hash, alone.hash)))
    assert.equal(one.sums().length, bucketCount * 8)
  })

  it('forgets all that a signer has said, and what came before counts again', async () => {
    const register = newRegister()
    const before = entryOf(ann!, chance, { version: 1, at })
    const evil = entryOf(ben!, chance, { version: 2, at })
    await register.add([before, evil])
    const sum = register.sum

    assert.equal(await register.forget(({ id }) => id === 'ben'), 1)
    assert.deepEqual(register.newest(before.slot), before)
    assert.notDeepEqual(register.sum, sum)
    assert.equal(await register.forget(({ id }) => id === 'ben'), 0)
  })
})
