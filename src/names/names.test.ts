import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatAddress } from '../address/address.ts'
import { equalBytes } from '../base/bytes.ts'
import { MemoryNetwork } from '../transport/memory.ts'
import { addressCalled, until, villager, type Villager } from './fixture.ts'
import type { NameVersion } from './names.ts'
import { takingOver } from './takeOver.ts'

const [a, b, c] = ['a', 'b', 'c'].map(addressCalled)
const meaning = async (one: Villager, name = 'photos') =>
  formatAddress((await one.names.get(name)).address)
const means = (one: Villager, address: typeof a, name?: string) => async () =>
  (await meaning(one, name).catch(() => '')) === formatAddress(address!)
const shown = (versions: readonly NameVersion[]) =>
  versions.map(({ version, by, address }) => [version, by, address && formatAddress(address)])

function meet(...all: readonly Villager[]): void {
  for (const { transporter } of all.slice(1)) transporter.keepConnected(all[0]!.transporter.address)
}

describe('Names', () => {
  it('mean the same to every reader, a moment after one has set them', async () => {
    const network = new MemoryNetwork({ seed: 5 })
    await using ann = villager(network, 'ann')
    await using shed = villager(network, 'shed', { role: 'storage' })
    await using ben = villager(network, 'ben')
    shed.transporter.keepConnected(ann.transporter.address)
    ben.transporter.keepConnected(shed.transporter.address)
    await ann.names.set('photos', a!)

    await until(means(ben, a), 'ben hears it')
    assert.deepEqual(shown(await ben.names.list()), [[1, 'ann', formatAddress(a!)]])
    await ben.names.set('photos', b!)
    await until(means(ann, b), 'ann hears it')
    assert.deepEqual(shown(await ann.names.log('photos')), [
      [2, 'ben', formatAddress(b!)],
      [1, 'ann', formatAddress(a!)],
    ])
  })

  it('are told at once to those who are here, who are named', async () => {
    const network = new MemoryNetwork({ seed: 6 })
    await using ann = villager(network, 'ann', { limits: { exchangeMs: 1e9 } })
    await using ben = villager(network, 'ben', { limits: { exchangeMs: 1e9 } })
    await ben.transporter.connect(ann.transporter.address)
    await until(() => ann.transporter.peers().length === 1, 'they meet')

    assert.deepEqual((await ann.names.set('photos', a!)).told, ['ben'])
    assert.ok(await means(ben, a)())
  })

  it('come to a member that was away, also from others than those who set them', async () => {
    const network = new MemoryNetwork({ seed: 7 })
    await using ann = villager(network, 'ann')
    await using ben = villager(network, 'ben')
    meet(ann, ben)
    for (let index = 0; index < 300; index++) await ann.names.set(`name ${index}`, a!)
    await until(() => equalBytes(ann.register.sum, ben.register.sum), 'ben has all')
    await ann.transporter.close()

    await using cleo = villager(network, 'cleo')
    cleo.transporter.keepConnected(ben.transporter.address)
    await until(async () => (await cleo.names.list()).length === 300, 'cleo has all')
    assert.deepEqual(cleo.register.sum, ben.register.sum)
  })

  it('that two set while they were apart mean one thing once they meet', async () => {
    const network = new MemoryNetwork({ seed: 8 })
    await using ann = villager(network, 'ann')
    await using ben = villager(network, 'ben')
    await ann.names.set('photos', a!)
    await ben.names.set('photos', b!)
    await ben.names.set('photos', c!)
    meet(ann, ben)

    await until(means(ann, c), 'the greater version counts')
    assert.equal((await ann.names.log('photos')).length, 3)
    assert.equal((await ben.names.set('photos', a!)).version, 3)
  })

  it('are removed, and go back to what they meant before', async () => {
    await using ann = villager(new MemoryNetwork({ seed: 9 }), 'ann')
    await ann.names.set('photos', a!)
    await ann.names.set('photos', b!)
    await ann.names.remove('photos')

    await assert.rejects(ann.names.get('photos'), { code: 'not-found' })
    assert.deepEqual(await ann.names.list(), [])
    await ann.names.revert('photos')
    assert.equal(await meaning(ann), formatAddress(b!))
    await ann.names.revert('photos')
    assert.equal(await meaning(ann), formatAddress(a!), 'to the one before')
    await ann.names.revert('photos', 2)
    assert.equal(await meaning(ann), formatAddress(b!))
    await assert.rejects(ann.names.revert('photos', 3), { code: 'not-found' }, 'it was removed')
    await assert.rejects(ann.names.revert('films'), { code: 'not-found' })
    await assert.rejects(ann.names.remove('films'), { code: 'not-found' })
  })

  it('may carry the key that reads what they mean', async () => {
    await using ann = villager(new MemoryNetwork({ seed: 10 }), 'ann')
    const key = new Uint8Array(32).fill(3)
    await ann.names.set('theirs', a!, key)
    await ann.names.set('theirs', b!)
    await ann.names.revert('theirs')

    assert.deepEqual((await ann.names.get('theirs')).key, key)
  })

  it('are nothing to a storage member: it sees neither name nor address', async () => {
    const network = new MemoryNetwork({ seed: 11 })
    await using ann = villager(network, 'ann')
    await using shed = villager(network, 'shed', { role: 'storage' })
    meet(ann, shed)
    await ann.names.set('photos of bees', a!)
    await until(() => shed.register.all('name').length === 1, 'it keeps it')

    const [entry] = shed.register.all('name')
    const text = Buffer.from(entry!.signed.text)
    assert.equal(text.includes('photos'), false)
    assert.equal(text.includes(Buffer.from(a!.multihash.digest)), false)
    await assert.rejects(shed.names.get('photos of bees'), { code: 'no-read-secret' })
    await assert.rejects(shed.names.list(), { code: 'no-read-secret' })
    await assert.rejects(shed.names.set('x', a!), { code: 'no-read-secret' })
  })

  it('say nothing of how long they are', async () => {
    await using ann = villager(new MemoryNetwork({ seed: 12 }), 'ann')
    await ann.names.set('x', a!)
    await ann.names.set('a rather longer name', a!)
    const sizes = ann.register.all('name').map(({ value }) => value.length)

    assert.equal(sizes[0], sizes[1])
  })

  it('that an evicted member set stay as the word of who evicted it', async () => {
    const network = new MemoryNetwork({ seed: 13 })
    await using ida = villager(network, 'ida', { role: 'issuer' })
    await using ann = villager(network, 'ann')
    await using eve = villager(network, 'eve')
    meet(ida, ann, eve)
    await ann.names.set('photos', a!)
    await until(means(eve, a), 'eve hears it')
    await eve.names.set('photos', b!)
    await eve.names.set('films', c!)
    await until(means(ida, c, 'films'), 'ida hears it')

    const count = await takingOver('eve', { ...ida, clock: { now: Date.now } as never }, () =>
      ida.membership.evict('eve'),
    )

    assert.equal(count, 2)
    const all = [
      [3, 'ida', formatAddress(b!)],
      [1, 'ann', formatAddress(a!)],
    ]
    const isSo = async () =>
      JSON.stringify(shown(await ann.names.log('photos'))) === JSON.stringify(all)
    await until(isSo, 'ann has it from ida')
    assert.equal(await meaning(ann, 'films'), formatAddress(c!))
    await ann.names.revert('photos')
    assert.equal(await meaning(ann), formatAddress(a!), 'and what it set can be undone')
  })

  it('have their bounds: as many as a swarm may have, and as many as one may set at once', async () => {
    const network = new MemoryNetwork({ seed: 14 })
    const register = { namesMax: 2 }
    await using ann = villager(network, 'ann', { register, limits: { entriesOfOneMax: 3 } })
    await ann.names.set('one', a!)
    await ann.names.set('two', a!)

    await assert.rejects(ann.names.set('three', a!), { code: 'full' })
    await ann.names.set('two', b!)
    await assert.rejects(ann.names.set('two', c!), { code: 'busy' })
  })

  it('are of whole blobs, and are refused when they look like an address', async () => {
    await using ann = villager(new MemoryNetwork({ seed: 15 }), 'ann')

    await assert.rejects(ann.names.set(formatAddress(a!), a!), { code: 'bad-input' })
    await assert.rejects(ann.names.set('a/b', a!), { code: 'bad-input' })
    await assert.rejects(ann.names.get('nobody set this'), { code: 'not-found' })
  })
})
