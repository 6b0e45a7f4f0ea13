import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { seededRandom } from '../base/random.ts'
import { dialThrough } from './relayGuest.ts'
import { fails, relayTown, swarm } from './relayTown.ts'
import { listenTls } from './tlsTransporter.ts'
import { until } from './transporterSuite.ts'

const megabyte = seededRandom(20).bytes(1 << 20)

describe('a relay', () => {
  it('connects two members that can only dial out, byte for byte, both ways', async () => {
    await using all = await relayTown()
    const peer = await all.meet()
    assert.equal(peer.id, all.bob.id)
    assert.equal(peer.address, `relay:${all.rob.id}`)
    for (let piece = 0; piece < 10; piece++) {
      const answer = await peer.request({ header: { piece }, payload: megabyte.slice() })
      assert.deepEqual(answer.header, { piece })
      assert.ok(Buffer.compare(answer.payload!, megabyte) === 0)
      answer.release?.()
    }
    await until(() => all.bob.peers().length === 2)
    all.ann.serve(async () => ({ header: { from: 'ann' } }))
    const back = all.bob.peers().find(({ id }) => id === all.ann.id)!
    assert.equal(back.address, `relay:${all.rob.id}`)
    assert.deepEqual((await back.request({ header: {} })).header, { from: 'ann' })
  })

  it('sees nothing of what they say', async () => {
    const seen: Uint8Array[] = []
    await using all = await relayTown({}, (chunk) => (seen.push(new Uint8Array(chunk)), chunk))
    const peer = await all.meet()
    const marker = 'a nut under the third oak'
    const payload = new TextEncoder().encode(marker.repeat(100))
    const answer = await peer.request({ header: { marker }, payload: payload.slice() })
    assert.deepEqual(answer.payload, payload)
    const carried = Buffer.concat(seen)
    assert.ok(carried.length > 2 * payload.length)
    assert.equal(carried.indexOf(marker), -1)
  })

  it('that changes a byte ends the connection, and delivers nothing wrong', async () => {
    let carried = 0
    await using all = await relayTown({}, (chunk) => {
      const before = carried
      carried += chunk.length
      if (before > 3 << 20 || carried <= 3 << 20) return chunk
      const changed = new Uint8Array(chunk)
      changed[changed.length >> 1]! ^= 1
      return changed
    })
    const peer = await all.meet()
    const whole = async () => {
      for (;;) {
        const { payload, release } = await peer.request({ header: {}, payload: megabyte.slice() })
        assert.ok(Buffer.compare(payload!, megabyte) === 0)
        release?.()
      }
    }
    await assert.rejects(whole(), fails('unreachable', /./))
    assert.ok(carried > 3 << 20)
    await until(() => all.host.tunnels === 0)
  })

  it('that goes away leaves both with a peer that is unreachable', async () => {
    await using all = await relayTown()
    const peer = await all.meet()
    await until(() => all.bob.peers().length === 2)
    const back = all.bob.peers().find(({ id }) => id === all.ann.id)!
    all.bob.serve(() => new Promise(() => {}))
    const asked = assert.rejects(peer.request({ header: {} }), fails('unreachable', /./))
    await all.host.close()
    await all.rob.close()
    await asked
    await until(() => all.ann.peers().length + all.bob.peers().length === 0)
    await assert.rejects(back.request({ header: {} }), fails('unreachable', /not connected/))
  })

  it('keeps nothing of a tunnel that its members have left', async () => {
    await using all = await relayTown()
    const peer = await all.meet()
    assert.equal(all.host.tunnels, 1)
    peer.close('that was all')
    await until(() => all.host.tunnels === 0)
    const ends = all.lines.filter(({ message }) => message === 'tunnel ended')
    assert.equal(ends.length, 1)
    const { from, to, bytes } = ends[0]!.fields as { from: string; to: string; bytes: number }
    assert.deepEqual([from, to], [all.ann.id, all.bob.id])
    assert.ok(bytes > 1000, 'a handshake has passed')
  })

  it('carries no faster than it offers', async () => {
    const rests: number[] = []
    let ms = 0
    const clock = {
      now: () => ms,
      sleep: (rest: number, signal?: AbortSignal): Promise<void> => {
        if (rest >= 5_000) return systemClock.sleep(rest, signal) // A limit of time, not of speed.
        rests.push(rest)
        ms += rest
        return Promise.resolve()
      },
    }
    await using all = await relayTown({ clock, bytesPerSecond: 1_000_000 })
    const peer = await all.meet()
    ;(await peer.request({ header: {}, payload: megabyte.slice() })).release?.()
    const carried = 2 * megabyte.length // There and back, and a little around it.
    assert.ok(ms > (carried / 1_000_000) * 1000 - 200, `${carried} bytes in ${ms} ms of its clock`)
    assert.ok(ms < (carried / 1_000_000) * 1000 + 200, `${carried} bytes in ${ms} ms of its clock`)
    assert.ok(rests.length > 20, 'bit by bit')
  })
})

describe('a relay says why not', () => {
  it('when it does not offer to relay', async () => {
    const identity = await swarm.member()
    await using plain = await listenTls({ identity, host: '127.0.0.1', port: 0 })
    await using ann = await listenTls({ identity: await swarm.member() })
    const through = dialThrough(ann, { relay: plain.address, id: plain.id })
    await assert.rejects(through, fails('unreachable', /does not offer to relay/))
  })

  it('when the other one is not connected', async () => {
    await using all = await relayTown()
    const { id } = await swarm.member()
    const through = dialThrough(all.ann, { relay: all.rob.address, id })
    await assert.rejects(through, fails('unreachable', /is not connected to the relay/))
  })

  it('when the other one does not come, or does not want to', async () => {
    await using all = await relayTown({ comingMs: 50 })
    all.bob.serve(async () => ({ header: {} }))
    await assert.rejects(all.meet(), fails('unreachable', /did not come to the relay/))
    all.bob.serve(async () => Promise.reject(new Error('no')))
    await assert.rejects(all.meet(), fails('unreachable', /does not come to the relay/))
    assert.equal(all.host.tunnels, 0)
  })

  it('when there are too many tunnels, in all or of one member', async () => {
    const why = /too many/
    await using few = await relayTown({ tunnelsMax: { inAll: 0, perMember: 9 } })
    await assert.rejects(few.meet(), fails('busy', why))
    await using one = await relayTown({ tunnelsMax: { inAll: 9, perMember: 1 } })
    await one.meet()
    await assert.rejects(one.meet(), fails('busy', why))
    one.ann
      .peers()
      .find(({ id }) => id === one.bob.id)!
      .close('a place is free')
    await until(() => one.host.tunnels === 0)
    await one.meet()
  })
})
