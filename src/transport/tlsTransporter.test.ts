import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDreyError } from '../base/error.ts'
import { memoryLog, type LogLine } from '../base/log.ts'
import { parseEndpoint } from './endpoint.ts'
import { testSwarm } from './testSwarm.ts'
import { listenTls } from './tlsTransporter.ts'
import { transporterSuite, until } from './transporterSuite.ts'

const swarm = await testSwarm()
const here = { host: '127.0.0.1', port: 0 }

transporterSuite('over TLS', async () => {
  const identity = await swarm.member()
  const [ann, bob] = [
    await listenTls({ ...here, identity: await swarm.member() }),
    await listenTls({ ...here, identity }),
  ]
  return {
    ann,
    bob,
    bobAgain: () => listenTls({ identity, ...parseEndpoint(bob.address) }),
    async [Symbol.asyncDispose]() {
      await Promise.all([ann.close(), bob.close()])
    },
  }
})

describe('a connection between two members', () => {
  it('is one, on both sides, when both dial at the same time', async () => {
    for (let round = 0; round < 5; round++) {
      await using ann = await listenTls({ ...here, identity: await swarm.member() })
      await using bob = await listenTls({ ...here, identity: await swarm.member() })
      const talk = async (peer = ann.peers()[0]!) => (await peer.request({ header: {} })).header
      ann.serve(async () => ({ header: { hello: 'bob' } }))
      bob.serve(async () => ({ header: { hello: 'ann' } }))
      const [toBob, toAnn] = await Promise.all([ann.connect(bob.address), bob.connect(ann.address)])
      const said = await Promise.all([talk(toBob), talk(toAnn), talk(toBob), talk(toAnn)])
      assert.deepEqual(
        said.map(({ hello }) => hello),
        ['ann', 'bob', 'ann', 'bob'],
      )
      assert.deepEqual([ann.peers().length, bob.peers().length], [1, 1])
    }
  })

  it('ends soon after another took its place, and what was under way on it is answered', async () => {
    const lines: LogLine[] = []
    await using ann = await listenTls({
      ...here,
      identity: await swarm.member(),
      log: memoryLog(lines),
    })
    await using bob = await listenTls({ ...here, identity: await swarm.member() })
    const go = Promise.withResolvers<void>()
    const serve = async () => (await go.promise, { header: { late: true } })
    ann.serve(serve)
    bob.serve(serve)
    const peer = await ann.connect(bob.address)
    const early = peer.request({ header: {} })
    await bob.connect(ann.address)
    go.resolve()
    assert.deepEqual((await early).header, { late: true })
    const replaced = ({ message, fields }: LogLine) =>
      message === 'connection ended' && /place|ended/.test((fields as { reason: string }).reason)
    await until(() => lines.some(replaced))
    assert.equal(ann.peers().length, 1)
  })

  it('ends for a member that is no longer wanted, and tells it why', async () => {
    const unwanted = await swarm.member()
    const refuse = ({ id }: { id: string }) =>
      id === unwanted.id ? 'its certificate was revoked' : undefined
    await using ann = await listenTls({ ...here, identity: await swarm.member(), refuse })
    await using bob = await listenTls({ identity: unwanted })
    await assert.rejects(bob.connect(ann.address), (error) => {
      return isDreyError(error, 'not-a-member') && error.message.includes('was revoked')
    })
  })

  it('is not made with an address that is none', async () => {
    await using ann = await listenTls({ identity: await swarm.member() })
    for (const text of ['', 'host', 'host:0', 'host:99999', ':80', 'a b:80', '::1:80']) {
      await assert.rejects(ann.connect(text), (error) => isDreyError(error, 'bad-input'), text)
    }
    assert.deepEqual(parseEndpoint('[::1]:80'), { host: '::1', port: 80 })
  })

  it('can be kept by a member that listens nowhere', async () => {
    await using ann = await listenTls({ ...here, identity: await swarm.member() })
    await using bob = await listenTls({ identity: await swarm.member() })
    assert.equal(bob.address, '')
    bob.serve(async () => ({ header: { from: 'bob' } }))
    bob.keepConnected(ann.address)
    await until(() => ann.peers().length === 1)
    assert.deepEqual((await ann.peers()[0]!.request({ header: {} })).header, { from: 'bob' })
  })
})
