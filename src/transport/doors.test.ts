import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { isDreyError } from '../base/error.ts'
import type { Visitor } from './door.ts'
import { socketPair, testSwarm } from './testSwarm.ts'
import { dialStranger } from './tls.ts'
import { listenTls } from './tlsTransporter.ts'

const swarm = await testSwarm()
const here = { host: '127.0.0.1', port: 0 }
const { signal } = new AbortController()

/** Says who came, and ends. */
async function tell(stream: Duplex, visitor: Visitor): Promise<void> {
  stream.end(`you are ${visitor.member?.id ?? 'nobody'}`)
  await once(stream, 'close')
}

describe('a port', () => {
  it('has other doors beside the members’ own, which demand a member or nobody', async () => {
    await using ann = await listenTls({ ...here, identity: await swarm.member() })
    await using bob = await listenTls({ identity: await swarm.member() })
    ann.openDoor('test-member', 'member', tell)
    ann.openDoor('test-open', 'nobody', tell)
    const { stream, member } = await bob.dialDoor(ann.address, 'test-member')
    assert.equal(member.id, ann.id)
    assert.equal(await text(stream), `you are ${bob.id}`)
    const { authorityPem } = await swarm.member()
    for (const trusted of [authorityPem, undefined]) {
      const stranger = { authorityPem: trusted, signal }
      const { stream, member } = await dialStranger(ann.address, 'test-open', stranger)
      assert.equal(member?.id, trusted && ann.id)
      assert.equal(await text(stream), 'you are nobody')
    }
    assert.equal(ann.peers().length, 0)
  })

  it('lets nobody through a door that demands a member', async () => {
    await using ann = await listenTls({ ...here, identity: await swarm.member() })
    ann.openDoor('test-member', 'member', tell)
    const { stream } = await dialStranger(ann.address, 'test-member', { signal })
    assert.doesNotMatch(await text(stream).catch(() => ''), /you are/)
  })

  it('refuses who speaks what is not spoken there', async () => {
    await using ann = await listenTls({ ...here, identity: await swarm.member() })
    await assert.rejects(dialStranger(ann.address, 'test-none', { signal }))
  })

  it('is known by whoever joins for a port of the swarm, or not at all', async () => {
    const other = await testSwarm('other')
    await using ann = await listenTls({ ...here, identity: await swarm.member() })
    ann.openDoor('test-open', 'nobody', tell)
    const { authorityPem } = await other.member()
    await assert.rejects(dialStranger(ann.address, 'test-open', { authorityPem, signal }))
  })
})

describe('a stream that somebody else carries', () => {
  const over = async () => {
    const ann = await listenTls({ identity: await swarm.member() })
    const bob = await listenTls({ identity: await swarm.member() })
    const [left, right] = await socketPair()
    return { ann, bob, left, right }
  }

  it('connects two members that prove themselves over it', async () => {
    const { ann, bob, left, right } = await over()
    bob.serve(async () => ({ header: { from: 'bob' } }))
    const common = { address: 'relay:test' }
    const [peer] = await Promise.all([
      ann.connectOver(left, { ...common, side: 'client', id: bob.id }),
      bob.connectOver(right, { ...common, side: 'server', id: ann.id }),
    ])
    assert.deepEqual((await peer.request({ header: {} })).header, { from: 'bob' })
    await Promise.all([ann.close(), bob.close()])
  })

  it('does not connect with another member than the one that is meant', async () => {
    const { ann, bob, left, right } = await over()
    const other = await swarm.member()
    const common = { address: 'relay:test' }
    const tries = await Promise.allSettled([
      ann.connectOver(left, { ...common, side: 'client', id: other.id }),
      bob.connectOver(right, { ...common, side: 'server', id: ann.id }),
    ])
    assert.equal(tries[0].status, 'rejected')
    assert.ok(isDreyError(tries[0].reason, 'not-a-member'))
    await Promise.all([ann.close(), bob.close()])
  })

  it('fails for both when it ends in the middle of the handshake', async () => {
    const { ann, bob, left, right } = await over()
    const meeting = ann.connectOver(left, { address: 'relay:test', side: 'client', id: bob.id })
    right.destroy()
    left.destroy()
    await assert.rejects(meeting, (error) => isDreyError(error, 'unreachable'))
    await Promise.all([ann.close(), bob.close()])
  })
})
