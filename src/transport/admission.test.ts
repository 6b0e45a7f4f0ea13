import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { DreyError, isDreyError, type ErrorCode } from '../base/error.ts'
import { silentLog } from '../base/log.ts'
import { applyTo } from './admission.ts'
import { admissionDoor, type Desk } from './admissionDoor.ts'
import { sendMessage } from './admissionStream.ts'
import { encodeGreeting, joinProtocol, type Admission, type Newcomer } from './admissionWords.ts'
import { fingerprintOf } from './authority.ts'
import type { StreamDoor } from './door.ts'
import { createKey, peerIdOf, type Identity } from './identity.ts'
import { checkKey, readKey } from './proof.ts'
import { testSwarm } from './testSwarm.ts'
import { listenTls, type TlsTransporter } from './tlsTransporter.ts'
import type { Token } from './token.ts'

const [ours, others] = [await testSwarm('ours'), await testSwarm('others')]
const fingerprint = fingerprintOf(ours.authority.certificatePem)
const secret = new Uint8Array(16).fill(7)
const { signal } = new AbortController()
/** Time limits as they are; only the pause before another try, of 500 to 1,500 ms, is short. */
const sleep: typeof systemClock.sleep = (ms, until) => systemClock.sleep(ms < 1_500 ? 1 : ms, until)
const options = { clock: { ...systemClock, sleep }, signal }

const admission: Admission = {
  ...{ role: 'reader', inviter: 'oak', peers: ['10.0.0.7:7117'], zone: 'attic' },
  ...{ certificatePem: 'a leaf', issuerPem: undefined, readSecret: new Uint8Array(32) },
}

function application() {
  return { keyPem: createKey().keyPem, issuingKeyPem: createKey().keyPem, name: 'attic' }
}

function tokenFor(...nodes: Pick<TlsTransporter, 'address'>[]): Token {
  const addresses = nodes.map(({ address }) => address)
  return { addresses, fingerprint, secret, expires: Date.now() + 60_000 }
}

/** A node that has such a door for newcomers, whoever it is. */
async function nodeWith(door: StreamDoor, identity?: Identity): Promise<TlsTransporter> {
  const issuer = identity ?? (await ours.member({ role: 'issuer' }))
  const node = await listenTls({ host: '127.0.0.1', port: 0, identity: issuer })
  node.openDoor(joinProtocol, 'nobody', door)
  return node
}

/** The door of an issuer who admits everyone, unless the desk says otherwise. */
function doorWith(desk: Partial<Desk> = {}): StreamDoor {
  const all: Desk = {
    authorityPem: ours.authority.certificatePem,
    whyClosed: () => undefined,
    admit: async () => admission,
    ...desk,
  }
  return admissionDoor(all, { clock: systemClock, log: silentLog })
}

async function refused(joining: Promise<unknown>, code: ErrorCode, why: RegExp): Promise<void> {
  await assert.rejects(joining, (error) => {
    assert.ok(isDreyError(error, code), String(error))
    assert.match(error.message, why)
    return true
  })
}

describe('A newcomer', () => {
  it('shows an issuer the token and two keys that it has, and is admitted', async () => {
    const came: Newcomer[] = []
    const admit = async (newcomer: Newcomer) => {
      came.push(newcomer)
      return admission
    }
    await using node = await nodeWith(doorWith({ admit }))
    const { address, authorityPem, ...admitted } = await applyTo(
      tokenFor(node),
      application(),
      options,
    )
    assert.deepEqual(admitted, admission)
    assert.deepEqual([address, authorityPem], [node.address, ours.authority.certificatePem])
    const [{ own, issuing, ...said }] = came as [Newcomer]
    assert.deepEqual(said, { secret, name: 'attic' })
    checkKey(own, { join: { fingerprint, secret } })
    checkKey(issuing, { issue: { fingerprint, member: peerIdOf(readKey(own.key)) } })
    const other = { join: { fingerprint, secret: new Uint8Array(16) } }
    assert.throws(
      () => checkKey(own, other),
      (error) => isDreyError(error, 'not-a-member'),
    )
  })

  it('goes from address to address until it finds the swarm', async () => {
    await using stranger = await nodeWith(
      doorWith({ authorityPem: others.authority.certificatePem }),
      await others.member({ role: 'issuer' }),
    )
    await using node = await nodeWith(doorWith())
    const nobody = { address: '127.0.0.1:1' }
    const admitted = await applyTo(tokenFor(nobody, stranger, node), application(), options)
    assert.equal(admitted.address, node.address)
  })

  it('says who is not there, when nobody is', async () => {
    await using node = await listenTls({
      host: '127.0.0.1',
      port: 0,
      identity: await ours.member(),
    })
    const joining = applyTo(tokenFor({ address: '127.0.0.1:1' }), application(), options)
    await refused(joining, 'unreachable', /whoever invited you is not there: 127\.0\.0\.1:1 /)
    await refused(applyTo(tokenFor(node), application(), options), 'not-a-member', /only issuers/)
  })

  it('asks again with the same key when the answer was lost', async () => {
    const keys: Uint8Array[] = []
    let cut = () => {}
    const admit = async ({ own }: Newcomer) => {
      if (keys.push(own.key) === 1) cut()
      return admission
    }
    await using node = await nodeWith(async (stream, visitor) => {
      cut = () => void stream.destroy()
      await doorWith({ admit })(stream, visitor)
    })
    assert.equal((await applyTo(tokenFor(node), application(), options)).role, 'reader')
    assert.equal(keys.length, 2)
    assert.deepEqual(keys[0], keys[1])
  })

  it('comes again when the port has too many visitors at once', async () => {
    let visits = 0
    await using node = await nodeWith(async (stream, visitor) => {
      visits += 1
      if (visits < 3) throw new DreyError('busy', 'too many visitors at once')
      await doorWith()(stream, visitor)
    })
    assert.equal((await applyTo(tokenFor(node), application(), options)).role, 'reader')
    assert.equal(visits, 4)
  })

  it('hears from the issuer why it is refused', async () => {
    const admit = async () => {
      throw new DreyError('not-allowed', 'this invitation was used')
    }
    await using used = await nodeWith(doorWith({ admit }))
    await refused(applyTo(tokenFor(used), application(), options), 'not-allowed', /was used/)
    await using closed = await nodeWith(doorWith({ whyClosed: () => 'nobody is invited here' }))
    await refused(applyTo(tokenFor(closed), application(), options), 'not-allowed', /nobody is/)
    const broken = async () => assert.fail('our secret mistake')
    await using failing = await nodeWith(doorWith({ admit: broken }))
    await refused(applyTo(tokenFor(failing), application(), options), 'protocol', /its log says/)
  })

  it('can be called back while it waits', async () => {
    const leaving = new AbortController()
    await using node = await nodeWith(async () => leaving.abort(new Error('Ctrl-C')))
    const joining = applyTo(tokenFor(node), application(), { ...options, signal: leaving.signal })
    await assert.rejects(joining, /Ctrl-C/)
  })
})

describe('Somebody in the middle', () => {
  /** Shows this authority, and writes down every byte that it is told. */
  async function listener(authorityPem: string, identity: Identity) {
    const heard: Uint8Array[] = []
    const node = await nodeWith(async (stream) => {
      stream.on('data', (bytes: Uint8Array) => heard.push(bytes))
      sendMessage(stream, encodeGreeting(authorityPem))
      await once(stream, 'close')
    }, identity)
    return Object.assign(node, { heard })
  }

  it('with an authority of its own is told nothing', async () => {
    const identity = await others.member({ role: 'issuer' })
    await using middle = await listener(others.authority.certificatePem, identity)
    const joining = applyTo(tokenFor(middle), application(), options)
    await refused(joining, 'not-a-member', /not of the swarm that the invitation names/)
    assert.deepEqual(middle.heard, [])
  })

  it('who shows the swarm’s authority without being of it is told nothing', async () => {
    const identity = await others.member({ role: 'issuer' })
    await using middle = await listener(ours.authority.certificatePem, identity)
    const joining = applyTo(tokenFor(middle), application(), options)
    await refused(joining, 'not-a-member', /certificate is of another swarm/)
    assert.deepEqual(middle.heard, [])
  })

  it('who is a member and no issuer is told nothing: it could use the token itself', async () => {
    for (const role of ['storage', 'reader'] as const) {
      const identity = await ours.member({ role })
      await using middle = await listener(ours.authority.certificatePem, identity)
      const joining = applyTo(tokenFor(middle), application(), options)
      await refused(joining, 'not-a-member', /a member that may not invite/)
      assert.deepEqual(middle.heard, [])
    }
  })

  it('who says nothing, or noise, or no end of it, is left', async () => {
    const noises: StreamDoor[] = [
      async (stream) => void stream.end(),
      async (stream) => void stream.end(Buffer.from('GET / HTTP/1.1')),
      async (stream) => void stream.write(Buffer.alloc(100_000, 0xff)),
      async (stream) => sendMessage(stream, new Uint8Array([0xa1])),
    ]
    for (const noise of noises) {
      await using middle = await nodeWith(noise)
      await assert.rejects(applyTo(tokenFor(middle), application(), options), (error) => {
        return isDreyError(error, 'protocol') || isDreyError(error, 'unreachable')
      })
    }
  })
})
