import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, describe, it } from 'node:test'
import * as tls from 'node:tls'
import { isDreyError } from '../../src/base/error.ts'
import { memoryLog, type LogLine } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/clock.ts'
import { parseEndpoint } from '../../src/transport/endpoint.ts'
import type { Identity } from '../../src/transport/identity.ts'
import { testSwarm } from '../../src/transport/testSwarm.ts'
import { listenTls } from '../../src/transport/tlsTransporter.ts'
import { until } from '../../src/transport/transporterSuite.ts'
import type { Sight } from './doorkeeper.ts'
import { cutOff, talkPlain, withoutCertificate } from './outsiders.ts'

const refusals = Number(process.env.DREY_REFUSALS ?? 1_000)
const growthBytesMax = 10 * 2 ** 20 // The allocator's and the collector's slack.

const [swarm, others] = [await testSwarm('ours'), await testSwarm('others')]
const lines: LogLine[] = []
const node = await listenTls({
  ...{ host: '127.0.0.1', port: 0, identity: await swarm.member(), log: memoryLog(lines) },
  handshakeMs: 300,
})
node.serve(async () => assert.fail('an outsider was heard'))
after(() => node.close())

const endpoint = parseEndpoint(node.address)

/** What the log said about the outsiders since it was last asked. */
async function whyInLog(): Promise<string> {
  await until(() => lines.some(({ message }) => message === 'refused'))
  const fields = lines.find(({ message }) => message === 'refused')!.fields as Record<
    string,
    string
  >
  lines.length = 0
  assert.match(fields.from!, /^127\.0\.0\.1:\d+$/)
  return fields.why!
}

/** Dials as a node does, and returns what it is told. */
async function dialAs(identity: Identity, clock = systemClock): Promise<string> {
  await using outsider = await listenTls({ identity, clock })
  let said = ''
  await assert.rejects(outsider.connect(node.address), (error) => {
    said = (error as Error).message
    return isDreyError(error, 'not-a-member')
  })
  return said
}

describe('a node refuses, and its log says why,', () => {
  it('a stranger with a certificate of another swarm', async () => {
    const stranger = await others.member({ trusting: swarm.authority })
    assert.match(await dialAs(stranger), /did not accept this node: its certificate is of another/)
    assert.match(await whyInLog(), /certificate is of another swarm/)
  })

  it('a stranger who does not know our authority either', async () => {
    assert.match(await dialAs(await others.member()), /is not for us: .* another swarm/)
    assert.match(await whyInLog(), /ended the connection|does not accept/)
  })

  it('a member whose certificate has expired', async () => {
    const late = await swarm.member({ days: -1 })
    const past = Date.now() - 36 * 3_600_000 // With the right time it would not even dial.
    assert.match(
      await dialAs(late, { ...systemClock, now: () => past }),
      /did not accept this node: its certificate has expired/,
    )
    assert.match(await whyInLog(), /certificate has expired/)
  })

  it('whoever shows no certificate', async () => {
    await withoutCertificate(node.address)
    assert.match(await whyInLog(), /showed no certificate/)
  })

  it('whoever speaks HTTP, or nothing that is known', async () => {
    await talkPlain(node.address, 'GET / HTTP/1.1\r\n\r\n')
    assert.match(await whyInLog(), /speaks HTTP/)
    await talkPlain(node.address, new Uint8Array(5_000).fill(0x77))
    assert.match(await whyInLog(), /does not speak TLS|TLS handshake failed/)
  })

  it('whoever speaks an older TLS', async () => {
    const socket = tls.connect({ ...endpoint, maxVersion: 'TLSv1.2', rejectUnauthorized: false })
    await cutOff(socket)
    assert.match(await whyInLog(), /does not speak TLS 1.3/)
  })

  it('whoever begins a handshake and does not go on', async () => {
    const socket = connect(endpoint)
    await cutOff(socket)
    assert.match(await whyInLog(), /did not finish the handshake within 300 ms/)
  })

  it('whoever hangs up without a word', async () => {
    const socket = connect(endpoint, () => socket.end())
    await cutOff(socket)
    assert.match(await whyInLog(), /handshake/)
  })

  it('more strangers at once than may be in a handshake', async () => {
    const crowd = Array.from({ length: 80 }, () => connect(endpoint))
    await Promise.all(crowd.map(cutOff))
    assert.ok(lines.some(({ message }) => message === 'turned away: too many handshakes at once'))
    lines.length = 0
  })
})

describe('a node that has refused many', () => {
  it('has no more open sockets than before, and no more memory, and admits members', async () => {
    const identity = await swarm.member()
    const door = fork(new URL('./doorkeeper.ts', import.meta.url), {
      execArgv: ['--max-semi-space-size=1'], // As every process of ours is started.
    })
    after(() => door.kill())
    const ask = async (message: Identity | 'look'): Promise<Sight> => {
      door.send(message)
      return ((await once(door, 'message')) as [Sight])[0]
    }
    const { address } = await ask(identity)
    await outsiders(address, 300) // What is loaded and warmed up once does not count.
    const before = await ask('look')
    await outsiders(address, refusals)
    let now = await ask('look')
    assert.equal(now.lines.filter(({ message }) => message === 'refused').length, refusals)
    while (now.sockets > before.sockets) now = await ask('look')
    const grown = now.privateBytes - before.privateBytes
    assert.ok(grown < growthBytesMax, `private memory grew by ${grown} bytes`)

    await using member = await listenTls({ identity: await swarm.member() })
    assert.equal((await member.connect(address)).id, identity.id)
  })
})

/** This many outsiders come, from a process of their own. */
async function outsiders(address: string, count: number): Promise<void> {
  const child = fork(new URL('./outsiders.ts', import.meta.url), [address, String(count)])
  const [code] = (await once(child, 'exit')) as [number]
  assert.equal(code, 0)
}
