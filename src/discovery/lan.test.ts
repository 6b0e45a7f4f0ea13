import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { setTimeout as rest } from 'node:timers/promises'
import { encode } from 'dns-packet'
import { memoryLog, silentLog, type LogLine } from '../base/log.ts'
import { between, seededRandom } from '../base/random.ts'
import { openLan, type LanOptions } from './lan.ts'
import { isNear } from './lanNear.ts'
import { encodePresence, lanName } from './lanWords.ts'

const loopback = '127.0.0.1'
const group = '224.0.0.251'
const tag = seededRandom(1).bytes(16)
const otherTag = seededRandom(2).bytes(16)

async function udp(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  socket.bind(0, loopback)
  await once(socket, 'listening')
  return socket
}

async function freePort(): Promise<number> {
  const socket = await udp()
  const { port } = socket.address()
  socket.close()
  return port
}

/** Why multicast on loopback is not possible here, if it is not. */
async function whyNoMulticast(): Promise<string | false> {
  const [sender, hearer] = [await udp(), createSocket({ type: 'udp4', reuseAddr: true })]
  try {
    hearer.bind(0)
    await once(hearer, 'listening')
    hearer.addMembership(group, loopback)
    sender.setMulticastInterface(loopback)
    sender.send('hello', hearer.address().port, group)
    await once(hearer, 'message', { signal: AbortSignal.timeout(2_000) })
    return false
  } catch (error) {
    return `multicast on loopback is not possible here: ${String(error)}`
  } finally {
    sender.close()
    hearer.close()
  }
}

const skip = await whyNoMulticast()

/** Nodes on one network, of which each notes what it has found. */
async function network() {
  const port = await freePort()
  const open = async (id: string, options: Partial<LanOptions> = {}) => {
    const heard: string[] = []
    const found = (address: string) => void heard.push(address)
    const common = {
      tag,
      port: 4701,
      log: silentLog,
      found,
      network: { interface: loopback, port },
    }
    const lan = await openLan({ id, ...common, ...options })
    return { heard, [Symbol.asyncDispose]: () => lan[Symbol.asyncDispose]() }
  }
  return { port, open }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await rest(5)
}

/** A passer-by, who says whatever it likes to the only node that listens at this port. */
async function passerBy(port: number) {
  const socket = await udp()
  return {
    say: (packet: Uint8Array) =>
      new Promise<void>((resolve) => socket.send(packet, port, loopback, () => resolve())),
    [Symbol.dispose]: () => void socket.close(),
  }
}

const presence = (port: number, seconds?: number) =>
  encode({ type: 'response', ...encodePresence({ name: lanName(tag, 'eve'), tag, port }, seconds) })

describe('nodes on one network', { skip }, () => {
  it('find each other, whoever came first, though they share a machine', async () => {
    const { open } = await network()
    await using ann = await open('ann', { port: 4701 })
    await using bob = await open('bob', { port: 4702 })
    await until(() => ann.heard.length > 0 && bob.heard.length > 0)
    assert.deepEqual(ann.heard, ['127.0.0.1:4702'])
    assert.deepEqual(bob.heard, ['127.0.0.1:4701'])
  })

  it('do not find those of another swarm', async () => {
    const { open } = await network()
    await using ann = await open('ann')
    await using eve = await open('eve', { port: 4702, tag: otherTag })
    await using bob = await open('bob', { port: 4703 })
    await until(() => ann.heard.length > 0 && bob.heard.length > 0)
    assert.deepEqual(
      [ann.heard, bob.heard, eve.heard],
      [['127.0.0.1:4703'], ['127.0.0.1:4701'], []],
    )
  })

  it('say what they found once', async () => {
    const { port, open } = await network()
    await using ann = await open('ann')
    using eve = await passerBy(port)
    for (let times = 0; times < 20; times++) await eve.say(presence(9000))
    await eve.say(presence(9001))
    await until(() => ann.heard.length === 2)
    assert.deepEqual(ann.heard, ['127.0.0.1:9000', '127.0.0.1:9001'])
  })

  it('say it again of one that has left and comes back, but not all the time', async () => {
    let now = 1_000_000
    const clock = {
      now: () => now,
      sleep: (ms: number, signal?: AbortSignal) => rest(ms, undefined, { signal, ref: false }),
    }
    const { port, open } = await network()
    await using ann = await open('ann', { clock })
    using eve = await passerBy(port)
    const flicker = async () => {
      for (const packet of [presence(9000, 0), presence(9000)]) await eve.say(packet)
    }
    for (let times = 0; times < 20; times++) await flicker()
    await eve.say(presence(9001))
    await until(() => ann.heard.includes('127.0.0.1:9001'))
    assert.equal(ann.heard.length, 2)
    now += 3_600_000
    await eve.say(presence(9000))
    await until(() => ann.heard.length === 3)
  })
})

describe('a node on a network with a hostile passer-by', { skip }, () => {
  it('remembers a bounded number of addresses', async () => {
    const { port, open } = await network()
    await using ann = await open('ann')
    using eve = await passerBy(port)
    const lie = async (from: number, to: number) => {
      for (let port = from; port < to; port++) await eve.say(presence(port))
      await rest(5) // A socket's buffer holds a few hundred, and drops the rest.
    }
    for (let port = 1; ann.heard.length < 256; port += 50) await lie(port, port + 50)
    await lie(40_000, 40_100)
    await rest(50)
    assert.equal(ann.heard.length, 256)
  })

  it('survives packets that are broken anywhere', async () => {
    const random = seededRandom(77)
    const { port, open } = await network()
    await using ann = await open('ann')
    using eve = await passerBy(port)
    const question = encode({
      type: 'query',
      questions: [{ name: '_drey._tcp.local', type: 'PTR' }],
    })
    for (let round = 0; round < 3000; round++) {
      const packet = new Uint8Array(round % 2 === 0 ? presence(9000) : question)
      for (let bytes = between(random, 1, 6); bytes > 0; bytes--) {
        packet[between(random, 0, packet.length)] = between(random, 0, 256)
      }
      await eve.say(packet.subarray(0, between(random, 0, packet.length + 1)))
    }
    for (; !ann.heard.includes('127.0.0.1:9500'); await rest(10)) await eve.say(presence(9500))
    assert.ok(ann.heard.every((address) => /^127\.0\.0\.1:[1-9]\d{0,4}$/.test(address)))
  })
})

describe('a network without multicast', () => {
  it('has nodes that say so once, and go on', async () => {
    const lines: LogLine[] = []
    const nowhere = { interface: '203.0.113.77', port: await freePort() }
    await using _lan = await openLan({
      ...{ id: 'ann', tag, port: 4701, found: () => {}, network: nowhere },
      log: memoryLog(lines),
    })
    await until(() => lines.length > 0)
    const said = lines.map(({ fields }) => (fields as { why: string }).why)
    assert.deepEqual(said, [...new Set(said)])
  })
})

describe('an address', () => {
  it('is near when this machine is on its network', () => {
    assert.equal(isNear('127.0.0.1'), true)
    assert.equal(isNear('169.254.7.7'), true)
    assert.equal(isNear('198.51.100.200'), false)
  })
})
