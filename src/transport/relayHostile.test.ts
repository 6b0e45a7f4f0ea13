import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { describe, it } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { relayAnswerer } from './relayGuest.ts'
import { fails, relayTown, swarm } from './relayTown.ts'
import { tunnel } from './relayTunnel.ts'
import { encodeCall, hear, relayProtocol, say } from './relayWords.ts'
import { listenTls } from './tlsTransporter.ts'
import { until } from './transporterSuite.ts'

const { signal } = new AbortController()

describe('a relay is not misled', () => {
  it('by a pass that nobody waits for, or that is another’s', async () => {
    await using all = await relayTown({ comingMs: 300 })
    const { ann, rob } = all
    const show = async (pass: Uint8Array) => {
      const { stream } = await ann.dialDoor(rob.address, relayProtocol)
      say(stream, 'request', { v: 1, pass })
      return hear(stream, 'response', signal).finally(() => stream.destroy())
    }
    await assert.rejects(show(new Uint8Array(16)), fails('not-found', /nobody waits/))
    const called = Promise.withResolvers<Uint8Array>()
    all.bob.serve(
      async (_peer, { header }) => (called.resolve(header.pass as Uint8Array), { header: {} }),
    )
    const waiting = assert.rejects(all.meet(), fails('unreachable', /did not come/))
    await assert.rejects(show(await called.promise), fails('not-found', /nobody waits/))
    await waiting
  })

  it('by words that are too long, or none', async () => {
    await using all = await relayTown()
    for (const said of [
      { v: 2, to: 'x' },
      { v: 1 },
      { v: 1, to: 'x'.repeat(2000) },
      { v: 1, pass: new Uint8Array(15) },
    ]) {
      const { stream } = await all.ann.dialDoor(all.rob.address, relayProtocol)
      say(stream, 'request', said)
      await assert.rejects(hear(stream, 'response', signal), fails('protocol', /./))
    }
    const { stream } = await all.ann.dialDoor(all.rob.address, relayProtocol)
    stream.write(seededRandom(4).bytes(5000))
    await assert.rejects(hear(stream, 'response', signal), fails('protocol', /unknown type/))
    assert.equal(all.host.tunnels, 0)
  })

  it('by a storm of calls, when it is the one that is called', async () => {
    await using all = await relayTown()
    const never = () => new Promise<never>(() => {})
    const transporter = { dialDoor: never, connectOver: never }
    const answer = relayAnswerer({ transporter, clock: systemClock, log: silentLog })
    const call = encodeCall(all.ann.id, new Uint8Array(16))
    for (let calls = 0; calls < 16; calls++) answer(call, all.rob)
    assert.throws(() => answer(call, all.rob), fails('busy', /too many/))
    assert.throws(() => answer({ ...call, pass: 'x' }, all.rob), fails('protocol', /pass/))
  })
})

describe('members who meet at a relay', () => {
  it('notice when it is somebody else who comes', async () => {
    await using all = await relayTown()
    const { ann, bob, rob } = all
    await using eve = await listenTls({ identity: await swarm.member() })
    await eve.connect(rob.address)
    const answer = relayAnswerer({ transporter: eve, clock: systemClock, log: silentLog })
    eve.serve(async (peer, { header }) => answer(header, peer))
    await until(() => rob.peers().length === 3)
    const come = Promise.withResolvers<Duplex>()
    rob.openDoor(relayProtocol, 'member', async (stream, { member }) => {
      await hear(stream, 'request', signal)
      if (member!.id === eve.id) return come.resolve(stream)
      const call = encodeCall(ann.id, new Uint8Array(16)) // Asked for Bob, it calls Eve.
      await rob
        .peers()
        .find(({ id }) => id === eve.id)!
        .request({ header: call })
      const other = await come.promise
      for (const side of [stream, other]) say(side, 'response', {})
      await tunnel(stream, other, {
        pace: { take: async () => {} },
        clock: systemClock,
        idleMs: 9000,
        signal,
      })
    })
    await assert.rejects(
      all.meet(),
      fails('not-a-member', new RegExp(`leads to ${eve.id} instead of ${bob.id}`)),
    )
    await until(() => eve.peers().length === 1)
  })
})

describe('a relay with a thousand visitors who say nothing', () => {
  it('lets each of them go, and connects those who do', async () => {
    await using all = await relayTown({
      firstWordMs: 20,
      arrivalsMax: { inAll: 64, perMember: 8 },
    })
    for (let round = 0; round < 1000; round += 25) {
      const dials = Array.from({ length: 25 }, async () => {
        const { stream } = await all.ann.dialDoor(all.rob.address, relayProtocol)
        await hear(stream, 'response', signal).catch(() => {}) // It is told why, or just let go.
        stream.destroy()
      })
      await Promise.all(dials)
    }
    assert.equal((await all.meet()).id, all.bob.id)
    assert.equal(all.host.tunnels, 1)
  })
})
