import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { duplexPair } from 'node:stream'
import { after, describe, it } from 'node:test'
import { collect, concat } from '../base/bytes.ts'
import { systemClock } from '../base/clock.ts'
import { isDreyError, type ErrorCode } from '../base/error.ts'
import { memoryLog, type LogLine } from '../base/log.ts'
import type { InviteWish } from '../gateway/invites.ts'
import { admissionDoor } from '../transport/admissionDoor.ts'
import { readMessage, sendMessage } from '../transport/admissionStream.ts'
import * as words from '../transport/admissionWords.ts'
import { createAuthority, fingerprintOf, issueAuthority } from '../transport/authority.ts'
import { createKey } from '../transport/identity.ts'
import { proveKey, type ProvenKey } from '../transport/proof.ts'
import { parseToken } from '../transport/token.ts'
import { createKeys, type NewKeys } from './authority.ts'
import { Invites } from './invites.ts'
import { Issuer } from './issuer.ts'

const home = await mkdtemp(join(tmpdir(), 'drey-issuer-'))
after(() => rm(home, { recursive: true }))
const root = await createAuthority('the oak')
const fingerprint = fingerprintOf(root.certificatePem)
const readSecret = new Uint8Array(randomBytes(32))
const { signal } = new AbortController()
const wish: InviteWish = { role: 'storage', uses: 1, expiresMs: 3_600_000 }

let made = 0
/** An issuer at its door, with a time that can be set; and everything that it ever said there. */
async function openIssuer(authority = root) {
  const lines: LogLine[] = []
  const log = memoryLog(lines)
  const clock = { ...systemClock, time: 1e12, now: () => clock.time }
  const issuer = new Issuer({
    ...{ authority: () => authority, authorityPem: root.certificatePem, readSecret, clock, log },
    invites: await Invites.open(join(home, `${made++}.json`), clock, log),
    ...{ name: 'oak', addresses: () => ['127.0.0.1:7117'], peers: () => ['127.0.0.1:7118'] },
  })
  const door = admissionDoor(issuer, { clock, log })
  const said: Uint8Array[] = []
  const visit = (address = '10.0.0.1:50000') => {
    const [stream, far] = duplexPair()
    const over = door(far, { address })
    const hear = async () => {
      const message = await readMessage(stream, signal)
      said.push(message!)
      return message!
    }
    const leave = async () => {
      stream.end()
      said.push(await collect(stream))
      await over
    }
    return { stream, hear, leave }
  }
  return { issuer, clock, lines, visit, said: () => Buffer.from(concat(said)) }
}

type Opened = Awaited<ReturnType<typeof openIssuer>>

function newcomer(
  secret: Uint8Array,
  { id, own, issuing }: NewKeys = createKeys(),
): words.Newcomer {
  return {
    ...{ secret, name: 'attic' },
    own: proveKey(own.keyPem, { join: { fingerprint, secret } }),
    issuing: proveKey(issuing.keyPem, { issue: { fingerprint, member: id } }),
  }
}

/** Asks as a newcomer does: what it is given. */
async function apply(
  at: Opened,
  asking: words.Newcomer,
  address?: string,
): Promise<words.Admission> {
  const { stream, hear, leave } = at.visit(address)
  try {
    words.decodeGreeting(await hear())
    sendMessage(stream, words.encodeNewcomer(asking))
    return words.decodeAdmission(await hear())
  } finally {
    await leave()
  }
}

const secretOf = ({ token }: { token: string }) => parseToken(token, 1e12).secret

async function refused(work: Promise<unknown>, code: ErrorCode, why: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(isDreyError(error, code), String(error))
    assert.match(error.message, why)
    return true
  })
}

describe('What an issuer gives', () => {
  it('to a storage member has no read secret in it, not in any byte that it says', async () => {
    const at = await openIssuer()
    const admitted = await apply(at, newcomer(secretOf(await at.issuer.invite(wish))))
    assert.equal(admitted.role, 'storage')
    assert.equal(admitted.readSecret, undefined)
    assert.ok(!at.said().includes(Buffer.from(readSecret)))
  })

  it('to a reader and to an issuer has the read secret in it', async () => {
    for (const role of ['reader', 'issuer'] as const) {
      const at = await openIssuer()
      const invited = await at.issuer.invite({ ...wish, role, zone: 'attic' })
      const admitted = await apply(at, newcomer(secretOf(invited)))
      assert.deepEqual(admitted.readSecret, readSecret)
      assert.ok(at.said().includes(Buffer.from(readSecret)))
      const { inviter, peers, zone } = admitted
      assert.deepEqual({ inviter, zone }, { inviter: 'oak', zone: 'attic' })
      assert.deepEqual(peers, ['127.0.0.1:7117', '127.0.0.1:7118'])
    }
  })

  it('is refused to a key that is not proven, and the invitation is not used by it', async () => {
    const at = await openIssuer()
    const secret = secretOf(await at.issuer.invite(wish))
    const good = newcomer(secret)
    const other = proveKey(createKey().keyPem, { join: { fingerprint, secret } })
    const swap = (proven: ProvenKey): ProvenKey => ({ ...proven, proof: other.proof })
    const wrong: Partial<words.Newcomer>[] = [
      { own: swap(good.own) },
      { own: other }, // Its second key is of another member.
      { issuing: swap(good.issuing) },
      { own: proveKey(createKey().keyPem, { issue: { fingerprint, member: '' } }) },
    ]
    for (const parts of wrong) {
      await refused(apply(at, { ...good, ...parts }), 'not-a-member', /the key that is shown/)
    }
    const noKey = { ...good, own: { ...good.own, key: new Uint8Array(44) } }
    await refused(apply(at, noKey), 'protocol', /no key/)
    assert.equal((await apply(at, good)).role, 'storage')
  })

  it('goes to one of those who come at once with a token for one', async () => {
    const at = await openIssuer()
    const secret = secretOf(await at.issuer.invite(wish))
    const all = Array.from({ length: 8 }, () => apply(at, newcomer(secret)))
    const settled = await Promise.allSettled(all)
    const won = settled.filter(({ status }) => status === 'fulfilled')
    assert.equal(won.length, 1)
    await refused(apply(at, newcomer(secret)), 'not-allowed', /was used by another machine/)
  })

  it('is given again to the same key, whose answer was lost', async () => {
    const at = await openIssuer()
    const asking = newcomer(secretOf(await at.issuer.invite(wish)))
    const { stream, leave } = at.visit()
    sendMessage(stream, words.encodeNewcomer(asking))
    await leave() // Whatever it was told, it did not listen.
    assert.equal((await apply(at, asking)).role, 'storage')
    assert.equal(at.issuer.list()[0]!.usesLeft, 0)
  })
})

describe('An issuer', () => {
  it('says nothing to anyone but that nobody is invited, when nobody is', async () => {
    const at = await openIssuer()
    const joining = apply(at, newcomer(new Uint8Array(16)))
    await refused(joining, 'not-allowed', /nobody is invited here/)
    assert.ok(!at.said().includes('CERTIFICATE'))
  })

  it('refuses a thousand wrong secrets, and its log does not grow by a thousand lines', async () => {
    const at = await openIssuer()
    const secret = secretOf(await at.issuer.invite(wish))
    const keys = createKeys()
    let busy = 0
    for (let count = 0; count < 1_000; count++) {
      const wrong = newcomer(new Uint8Array(randomBytes(16)), keys)
      const from = `10.0.${count % 50}.1:50000`
      await apply(at, wrong, from).catch((error: unknown) => {
        assert.ok(isDreyError(error, 'not-allowed') || isDreyError(error, 'busy'), String(error))
        if (error.code === 'busy') busy += 1
      })
    }
    assert.equal(busy, 400) // Six hundred visits a minute, from wherever.
    const refusals = at.lines.filter(({ message }) => message === 'refused a newcomer')
    assert.equal(refusals.length, 2)
    await refused(apply(at, newcomer(secret)), 'busy', /in a minute/)
    at.clock.time += 60_000
    assert.equal((await apply(at, newcomer(secret))).role, 'storage')
  })

  it('does not let one machine keep the others from its door', async () => {
    const at = await openIssuer()
    const secret = secretOf(await at.issuer.invite(wish))
    const wrong = newcomer(new Uint8Array(16))
    for (let count = 0; count < 150; count++) await apply(at, wrong, '10.0.0.9:1').catch(() => {})
    await refused(apply(at, wrong, '10.0.0.9:2'), 'busy', /too many/)
    assert.equal((await apply(at, newcomer(secret), '10.0.0.8:1')).role, 'storage')
  })

  it('does not wait for long for one who comes and says nothing', async () => {
    const at = await openIssuer()
    await at.issuer.invite(wish)
    at.clock.sleep = (ms, until) => systemClock.sleep(ms / 1_000, until)
    const { hear, leave } = at.visit()
    words.decodeGreeting(await hear())
    const message = await hear()
    assert.throws(() => words.decodeAdmission(message), /it took too long/)
    await leave()
  })

  it('at the end of a chain makes members, and says that it makes no issuers', async () => {
    let last = root
    for (let depth = 0; depth < 4; depth++) {
      const { keyPem, publicKeyPem } = createKey()
      const certificatePem = await issueAuthority(last, publicKeyPem, { member: 'a'.repeat(32) })
      last = { keyPem, certificatePem }
    }
    const at = await openIssuer(last)
    await refused(
      at.issuer.invite({ ...wish, role: 'issuer' }),
      'not-allowed',
      /last of 4 in a chain/,
    )
    const admitted = await apply(at, newcomer(secretOf(await at.issuer.invite(wish))))
    assert.equal(admitted.certificatePem!.match(/BEGIN CERTIFICATE/g)!.length, 5)
  })

  it('lists what it has made without tokens, and takes it back', async () => {
    const at = await openIssuer()
    const { id, token } = await at.issuer.invite(wish)
    assert.equal(at.issuer.list()[0]!.id, id)
    assert.ok(!JSON.stringify(at.issuer.list()).includes(token.slice(20, 60)))
    await at.issuer.withdraw(id)
    await refused(at.issuer.withdraw(id), 'not-found', /no invitation/)
  })
})
