import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { createAuthority } from '../transport/authority.ts'
import { MemoryNetwork } from '../transport/memory.ts'
import { MemoryNotary } from '../transport/memoryNotary.ts'
import { CertificateNotary } from '../transport/notary.ts'
import { testSwarm } from '../transport/testSwarm.ts'
import type { Peer } from '../transport/transporter.ts'
import { decodeEntry, encodeEntry, entryLimits, signEntry, type Entry } from './entry.ts'
import { addressCalled, entryOf, keys, until, villager, type Villager } from './fixture.ts'
import { encodeNameValue, openValue, sealValue, slotOfName } from './value.ts'
import { decodeWords, encodeWords, type NameWords } from './words.ts'

const a = addressCalled('a')
const encoded = (...entries: readonly Entry[]) => entries.map(encodeEntry)
const refused = { code: 'protocol' }

/** Says something that no honest member would. */
async function whisper(from: Villager, to: Villager, words: NameWords | Uint8Array) {
  const peer: Peer = await from.transporter.connect(to.transporter.address)
  const payload = words instanceof Uint8Array ? words : encodeWords(words)
  const answer = await peer.request({ header: { op: 'names' }, payload })
  const said = decodeWords(answer.payload)
  answer.release?.()
  return said
}

async function village(limits = {}) {
  const network = new MemoryNetwork({ seed: 3 })
  const quiet = { exchangeMs: 1e9 }
  const ann = villager(network, 'ann', { limits: { ...quiet, ...limits } })
  const eve = villager(network, 'eve', { limits: quiet })
  const close = async () => {
    await eve[Symbol.asyncDispose]()
    await ann[Symbol.asyncDispose]()
  }
  return { network, ann, eve, [Symbol.asyncDispose]: close }
}

describe('A hostile member', () => {
  it('cannot set a name in another’s name', async () => {
    await using town = await village()
    const { ann, eve, network } = town
    const forged = entryOf(new MemoryNotary('ben', 'reader'), network, {})
    const bytes = encodeEntry({ signed: { ...forged.signed, signature: new Uint8Array(32) } })

    await assert.rejects(whisper(eve, ann, { entries: [bytes] }), { code: 'not-a-member' })
    assert.deepEqual(await ann.names.list(), [])
  })

  it('cannot set one with a certificate of another swarm, nor as a storage member', async () => {
    const [swarm, other] = [await testSwarm(), await createAuthority('other')]
    const stranger = await (await testSwarm('other')).member({ role: 'reader', trusting: other })
    const reader = await swarm.member({ role: 'reader' })
    const shed = await swarm.member({ role: 'storage' })
    const notaryOf = (identity: typeof reader) => new CertificateNotary(identity, systemClock)
    const slot = slotOfName(keys, 'photos')
    const saying = { slot, version: 1, at: Date.now(), value: new Uint8Array(64) }
    const bytesOf = (identity: typeof reader) =>
      encodeEntry({ signed: signEntry(notaryOf(identity), saying) })
    const read = (bytes: Uint8Array) => decodeEntry(notaryOf(reader), bytes)

    assert.equal(read(bytesOf(reader)).by.id, reader.id)
    assert.throws(() => read(bytesOf(stranger)), { code: 'not-a-member' })
    assert.throws(() => read(bytesOf(shed)), { code: 'not-a-member' })
  })

  it('cannot say where another’s catalog is; an issuer can', async () => {
    const { random } = new MemoryNetwork({ seed: 4 })
    const say = (id: string, role: 'reader' | 'issuer') =>
      entryOf(new MemoryNotary(id, role), { random }, { slot: 'catalog:ann' })

    assert.throws(() => say('eve', 'reader'), { code: 'not-a-member' })
    assert.equal(say('ann', 'reader').slot, 'catalog:ann')
    assert.equal(say('ida', 'issuer').by.id, 'ida')
  })

  it('cannot bring back what was outdone by saying it again', async () => {
    await using town = await village()
    const { ann, eve, network } = town
    const [old, newer] = [1, 2].map((version) =>
      entryOf(eve.notary, network, { version, text: `version ${version}` }),
    )
    await whisper(eve, ann, { entries: encoded(old!, newer!) })
    const again = await whisper(eve, ann, { entries: encoded(old!) })

    assert.equal(again.taken, 0)
    assert.equal((await ann.names.get('photos')).version, 2)
  })

  it('cannot say a last word: no version is greater than its time', async () => {
    await using town = await village()
    const { ann, eve, network } = town
    const far = { version: Number.MAX_SAFE_INTEGER, at: Number.MAX_SAFE_INTEGER }
    const ahead = Date.now() + entryLimits.aheadMs / 2

    assert.throws(() => entryOf(eve.notary, network, { version: Date.now() + 1e6 }), refused)
    const taken = await whisper(eve, ann, { entries: encoded(entryOf(eve.notary, network, far)) })
    assert.equal(taken.taken, 0, 'what is from the future is left out')
    const great = entryOf(eve.notary, network, { version: ahead, at: ahead })
    assert.equal((await whisper(eve, ann, { entries: encoded(great) })).taken, 1)
    const mine = await ann.names.set('photos', a)
    assert.deepEqual((await ann.names.get('photos')).address, a)
    const told = entryOf(ann.notary, network, { version: mine.version, at: mine.at })
    assert.equal((await whisper(eve, ann, { entries: encoded(told) })).taken, 1)
  })

  it('cannot fill registers: of one’s entries only so many are taken in a while', async () => {
    await using town = await village({ entriesOfOneMax: 10 })
    const { ann, eve, network } = town
    const flood = Array.from({ length: 60 }, (_, index) =>
      entryOf(eve.notary, network, { name: `flood ${index}` }),
    )
    for (let at = 0; at < flood.length; at += 6) {
      await whisper(eve, ann, { entries: encoded(...flood.slice(at, at + 6)) })
    }

    assert.ok(ann.register.all('name').length <= 16)
    const other = entryOf(new MemoryNotary('ben', 'reader'), network, { name: 'of ben' })
    assert.equal((await whisper(eve, ann, { entries: encoded(other) })).taken, 1)
  })

  it('is refused when what it says is too large, too much, or something else', async () => {
    await using town = await village()
    const { ann, eve, network } = town
    const one = entryOf(eve.notary, network, {})
    const large = { ...one, value: new Uint8Array(entryLimits.textMax) }
    const tooLarge = encodeEntry({ signed: signEntry(eve.notary, large) })
    const wrong: (NameWords | Uint8Array)[] = [
      { entries: [tooLarge] },
      { entries: [new Uint8Array(entryLimits.bytesMax + 1)] },
      { entries: Array.from({ length: 129 }, () => new Uint8Array(1)) },
      { has: Array.from({ length: 17 }, (_, bucket) => [bucket, []] as const) },
      { has: [[256, []]] },
      { lacks: [new Uint8Array(15)] },
      { sum: new Uint8Array(9) },
      Buffer.from('not CBOR'),
      new Uint8Array((1 << 20) + 1),
    ]

    for (const words of wrong) await assert.rejects(whisper(eve, ann, words), refused)
    assert.deepEqual(ann.register.all('name'), [])
  })

  it('does not keep others from comparing, though what it has is not wanted', async () => {
    const network = new MemoryNetwork({ seed: 5 })
    await using ann = villager(network, 'ann', { register: { namesMax: 5 } })
    await using eve = villager(network, 'eve')
    await using ben = villager(network, 'ben')
    const flood = Array.from({ length: 50 }, (_, index) =>
      entryOf(eve.notary, network, { name: `flood ${index}` }),
    )
    await eve.register.add(flood)
    for (const { transporter } of [eve, ben]) {
      transporter.keepConnected(ann.transporter.address)
    }
    await until(() => ann.register.all('name').length === 5, 'ann is full')
    await ann.names.set((await ann.names.list())[0]!.name, a)

    const said = async () => (await ben.names.list()).some(({ by }) => by === 'ann')
    await until(said, 'ben hears what ann set')
  })

  it('who has no read secret cannot open a value, nor pass one off for another name’s', () => {
    const { random } = new MemoryNetwork({ seed: 6 })
    const slot = slotOfName(keys, 'photos')
    const sealed = sealValue(keys, slot, encodeNameValue({ name: 'photos', address: a }), random)
    const others = { ...keys, nameValue: new Uint8Array(32) }
    const flipped = sealed.with(40, sealed[40]! ^ 1)

    assert.deepEqual(openValue(keys, slot, sealed), encodeNameValue({ name: 'photos', address: a }))
    assert.throws(() => openValue(others, slot, sealed), refused)
    assert.throws(() => openValue(keys, slotOfName(keys, 'films'), sealed), refused)
    assert.throws(() => openValue(keys, slot, flipped), refused)
    assert.throws(() => openValue(keys, slot, new Uint8Array(20)), refused)
  })
})
