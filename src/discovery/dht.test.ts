import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { setTimeout as rest } from 'node:timers/promises'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { openDht, type Dht } from './dht.ts'
import { dhtIdOf, dhtKeys } from './dhtKeys.ts'
import type { Lookup } from './dhtLookups.ts'
import { addressAt, blockOf, DhtTown, homeOf, idOf, townPort, townSwarm } from './dhtTown.ts'
import { isCloser } from './dhtWalk.ts'

const root = blockOf('a root')
const patient = () => ({ signal: AbortSignal.timeout(20_000) })

async function all(found: AsyncIterable<string>): Promise<string[]> {
  const addresses: string[] = []
  for await (const address of found) addresses.push(address)
  return addresses.sort()
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await rest(5)
}

/** Announcements are heard some round trips after they were asked for. */
async function untilFound(dht: Dht, address: string): Promise<void> {
  await until(async () => (await all(dht.holders(root, patient()))).includes(address))
}

const joined = (town: DhtTown, least: number) =>
  until(() => town.nodes.every((dht) => dht.state().nodes >= least))

describe('the DHT of a swarm', () => {
  it('finds who has published a root, from any node', async () => {
    await using town = new DhtTown()
    await town.addMany(30)
    await joined(town, 20)
    town.nodes[3]!.publish(root)
    town.nodes[4]!.publish(root)
    await untilFound(town.nodes[20]!, addressAt(4))
    await untilFound(town.nodes[20]!, addressAt(5))
    for (const dht of town.nodes.slice(10, 14)) {
      assert.deepEqual(await all(dht.holders(root, patient())), [addressAt(4), addressAt(5)])
    }
  })

  it('finds nothing where nothing was published, and nobody is known', async () => {
    await using town = new DhtTown()
    await town.addMany(12)
    await joined(town, 8)
    assert.deepEqual(await all(town.nodes[3]!.holders(blockOf('other'), patient())), [])
    await using alone = await new DhtTown().add()
    assert.deepEqual(await all(alone.holders(root, patient())), [])
    assert.deepEqual(await alone.nearest(root, { count: 20, ...patient() }), [
      { id: idOf(1), address: addressAt(1) },
    ])
  })

  it('tells a new node of members', async () => {
    await using town = new DhtTown()
    for (const dht of await town.addMany(5)) dht.announceSelf()
    town.nodes[4]!.announceSelf(9_000) // Behind a router that gives it another port.
    const stranger = await town.add()
    const expected = [...[1, 2, 3, 4].map(addressAt), `${homeOf(5)}:9000`]
    await until(async () => {
      const found = await all(stranger.members(patient()))
      return expected.every((address) => found.includes(address))
    })
  })

  it('names the same nodes nearest to an address, whoever asks: those that are', async () => {
    await using town = new DhtTown()
    await town.addMany(40)
    await joined(town, 20)
    const place = dhtKeys(townSwarm).of(root)
    const indexes = town.nodes.map((_, at) => at + 1)
    const nearest = indexes
      .sort((a, b) => (isCloser(place, dhtIdOf(idOf(a)), dhtIdOf(idOf(b))) ? -1 : 1))
      .slice(0, 10)
      .map((index) => ({ id: idOf(index), address: addressAt(index) }))
    for (const dht of town.nodes.slice(0, 6)) {
      assert.deepEqual(await dht.nearest(root, { count: 10, ...patient() }), nearest)
    }
  })

  it('says how a lookup went', async () => {
    await using town = new DhtTown()
    await town.addMany(25)
    await joined(town, 15)
    const went: Lookup[] = []
    const walked = (how: Lookup) => void went.push(how)
    await town.nodes[9]!.nearest(root, { count: 10, ...patient(), walked })
    await all(town.nodes[9]!.holders(root, { ...patient(), walked }))
    for (const { hops, asked, answered } of went) {
      assert.ok(hops >= 1 && hops <= 3, `${hops} hops`)
      assert.ok(answered >= 8 && answered <= asked && asked <= 25)
    }
    assert.equal(went.length, 2)
  })

  it('finds what was published though a third of the nodes are gone', async () => {
    await using town = new DhtTown({ seed: 5, loss: 0.02 })
    await town.addMany(30, { limits: { answerMs: 200, aloneMs: 200 } })
    await joined(town, 15)
    town.nodes[3]!.publish(root)
    await untilFound(town.nodes[5]!, addressAt(4))
    for (let index = 11; index <= 20; index++) town.network.silence(addressAt(index))
    assert.deepEqual(await all(town.nodes[25]!.holders(root, patient())), [addressAt(4)])
  })

  it('forgets what is no longer published', async () => {
    const limits = { valueMs: 300, announceMs: 100 }
    await using town = new DhtTown()
    await town.addMany(8, { limits })
    await joined(town, 5)
    town.nodes[3]!.publish(root)
    await untilFound(town.nodes[5]!, addressAt(4))
    await rest(400) // It was announced again meanwhile.
    await untilFound(town.nodes[5]!, addressAt(4))
    town.nodes[3]!.unpublish(root)
    await until(async () => (await all(town.nodes[5]!.holders(root, patient()))).length === 0)
  })

  it('takes a node that cannot be dialed for a guest: it finds, and nobody is told of it', async () => {
    await using town = new DhtTown()
    await town.addMany(10)
    const guest = await town.add({ canBeDialed: () => false })
    town.nodes[3]!.publish(root)
    guest.announceSelf()
    guest.publish(root)
    await untilFound(guest, addressAt(4))
    assert.ok(guest.state().nodes > 0)
    const known = town.nodes.slice(0, 10).flatMap((dht) => dht.nodes())
    assert.ok(!known.includes(addressAt(11)))
    assert.deepEqual(await all(town.nodes[7]!.holders(root, patient())), [addressAt(4)])
  })

  it('comes back when everyone was gone: it asks again those that it was told of', async () => {
    await using town = new DhtTown()
    const [, second] = await town.addMany(2, { limits: { answerMs: 50 } })
    await joined(town, 1)
    town.network.silence(addressAt(1))
    await until(async () => {
      await all(second!.holders(root, patient()))
      return second!.state().nodes === 0
    })
    town.network.wake(addressAt(1))
    second!.addNode(addressAt(1))
    await until(() => second!.state().nodes === 1)
    assert.deepEqual(second!.nodes(), [addressAt(1)])
  })

  it('ends a lookup with its signal, with its time, and with the node', async () => {
    await using town = new DhtTown()
    await town.addMany(10, { limits: { answerMs: 60_000, lookupMs: 100 } })
    await joined(town, 6)
    for (let index = 2; index <= 10; index++) town.network.silence(addressAt(index))
    const asking = town.nodes[0]!
    const reason = new Error('no longer wanted')
    const soon = new AbortController()
    setTimeout(() => soon.abort(reason), 10)
    await assert.rejects(all(asking.holders(root, { signal: soon.signal })), reason)
    await assert.rejects(asking.nearest(root, { count: 5, signal: soon.signal }), reason)
    assert.deepEqual(await all(asking.holders(root, patient())), []) // Its time was up.
    const pending = asking.nearest(root, { count: 5, ...patient() })
    await asking[Symbol.asyncDispose]()
    await assert.rejects(pending, /stopping/)
  })

  it('ends at once, though what it asked for is not answered yet', async () => {
    const town = new DhtTown()
    await town.addMany(10, { limits: { answerMs: 60_000 } })
    await joined(town, 6)
    for (let index = 2; index <= 10; index++) town.network.silence(addressAt(index))
    const [dht] = town.nodes
    dht!.publish(root)
    dht!.addNode(addressAt(99))
    await rest(50)
    await town[Symbol.asyncDispose]()
  })

  it('publishes a limited number of roots', async () => {
    await using town = new DhtTown()
    const dht = await town.add({ limits: { publishedMax: 2 } })
    dht.announceSelf()
    dht.publish(blockOf('one'))
    dht.publish(blockOf('two'))
    dht.publish(blockOf('two'))
    assert.throws(() => dht.publish(blockOf('three')), { code: 'busy' })
    dht.unpublish(blockOf('one'))
    dht.publish(blockOf('three'))
    assert.equal(dht.state().published, 2)
  })
})

describe('the DHT over real UDP', () => {
  const random = seededRandom(9)
  const open = (index: number, port = 0, host = '127.0.0.1', swarm = townSwarm) =>
    openDht({ id: idOf(index), swarm, host, port, log: silentLog, random })

  it('finds who has published a root, and its nodes can be remembered and visited again', async () => {
    await using stack = new AsyncDisposableStack()
    const nodes: Dht[] = []
    for (let index = 1; index <= 8; index++) nodes.push(stack.use(await open(index)))
    for (const dht of nodes.slice(1)) dht.addNode(`localhost:${nodes[0]!.port}`)
    await until(() => nodes.every((dht) => dht.state().nodes >= 4))
    nodes[2]!.publish(root)
    await untilFound(nodes[6]!, `127.0.0.1:${nodes[2]!.port}`)
    const late = stack.use(await open(9))
    for (const address of nodes[6]!.nodes()) late.addNode(address)
    await untilFound(late, `127.0.0.1:${nodes[2]!.port}`)
  })

  it('does not hear another swarm', async () => {
    await using ann = await open(1)
    await using eve = await open(2, 0, '127.0.0.1', seededRandom(3).bytes(32))
    eve.addNode(`127.0.0.1:${ann.port}`)
    await until(() => ann.state().refused > 0)
    assert.equal(ann.state().nodes, 0)
    assert.equal(ann.state().sent, 0)
  })

  it('says when its port is taken, and leaves nothing behind', async () => {
    const taken = createSocket('udp4')
    taken.bind(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address()
    await assert.rejects(open(1, port), { code: 'unreachable', message: /EADDRINUSE/ })
    taken.close()
    await using free = await open(1, port)
    assert.equal(free.port, port)
  })

  it('speaks IPv4 alone: listens so for all networks, and refuses an IPv6 address', async () => {
    await using dht = await open(1, 0, '::')
    dht.addNode(`[::1]:${townPort}`) // The log says why not.
    dht.addNode('not an address')
    await assert.rejects(open(2, 0, '::1'), { code: 'bad-input', message: /IPv4/ })
    assert.equal(dht.state().sent, 0)
  })
})
