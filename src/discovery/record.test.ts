import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { isDreyError } from '../base/error.ts'
import { between, seededRandom } from '../base/random.ts'
import { createAuthority, issue, issueAuthority, type Authority } from '../transport/authority.ts'
import { createKey, makeIdentity, type Identity } from '../transport/identity.ts'
import { CertificateNotary } from '../transport/notary.ts'
import type { Role } from '../transport/transporter.ts'
import { readEviction, signEviction } from './eviction.ts'
import { decodeExchange, encodeExchange } from './exchange.ts'
import { readRecord, signRecord, type Saying } from './record.ts'

const now = Date.now()
const day = 24 * 3_600_000
const saying: Saying = {
  ...{ name: 'attic', zone: 'home', addresses: ['10.0.0.7:7117'], relays: [] },
  ...{ offersRelay: false, capacity: 10, free: 5, stage: 'here', at: now },
}
const root = await createAuthority('test')

async function member(role: Role, by: Authority = root, days = 10): Promise<Identity> {
  const { keyPem, publicKeyPem } = createKey()
  const certificatePem = await issue(by, publicKeyPem, { role, days })
  return makeIdentity({ keyPem, certificatePem, authorityPem: root.certificatePem })
}

const notaryOf = (identity: Identity, clock = systemClock) => new CertificateNotary(identity, clock)
const reader = notaryOf(await member('storage'))
const isRefused = (error: unknown) =>
  isDreyError(error, 'not-a-member') || isDreyError(error, 'protocol')

describe('A member’s record', () => {
  it('says what the member said, whoever handed it on, and what its certificate says', async () => {
    const identity = await member('reader')
    const { bytes, ...record } = readRecord(reader, signRecord(notaryOf(identity), saying), now)
    assert.deepEqual(record, { ...saying, id: identity.id, role: 'reader', issuers: [] })
    assert.ok(bytes.length < 2_048)
  })

  it('names the issuers that vouch for its member, in their order', async () => {
    const authorities: Authority[] = [root]
    const issuers: string[] = []
    for (let depth = 0; depth < 3; depth++) {
      const issuer = await member('issuer', authorities[0])
      const { keyPem, publicKeyPem } = createKey()
      const certificatePem = await issueAuthority(authorities[0]!, publicKeyPem, {
        member: issuer.id,
      })
      authorities.unshift({ keyPem, certificatePem })
      issuers.unshift(issuer.id)
    }
    const identity = await member('storage', authorities[0])
    const record = readRecord(reader, signRecord(notaryOf(identity), saying), now)
    assert.deepEqual(
      record.issuers.map(({ member }) => member),
      issuers,
    )
  })

  it('is refused from another swarm, with another’s certificate, or an expired one', async () => {
    const other = await createAuthority('other')
    const stranger = { ...(await member('storage')), authorityPem: other.certificatePem }
    const { certificatePem } = stranger
    assert.throws(() => readRecord(notaryOf(stranger), signRecord(reader, saying), now), isRefused)
    const posing = { ...(await member('storage')), certificatePem }
    assert.throws(() => readRecord(reader, signRecord(notaryOf(posing), saying), now), isRefused)
    const late = notaryOf(await member('storage'), { ...systemClock, now: () => now + 11 * day })
    const record = signRecord(notaryOf(await member('storage')), saying)
    assert.throws(() => readRecord(late, record, now + 11 * day), isRefused)
  })

  it('is refused when any of its bytes was changed, and nothing else happens', async () => {
    const record = signRecord(notaryOf(await member('storage')), saying)
    const random = seededRandom(31)
    for (let round = 0; round < 400; round++) {
      const broken = record.slice(
        0,
        round % 4 === 0 ? between(random, 0, record.length) : undefined,
      )
      if (broken.length === record.length) {
        broken[between(random, 0, broken.length)]! ^= between(random, 1, 256)
      }
      assert.throws(() => readRecord(reader, broken, now), isRefused, `round ${round}`)
    }
  })

  it('cannot be an eviction', async () => {
    const issuer = notaryOf(await member('issuer'))
    const eviction = signEviction(issuer, { subject: 'x', spared: [], at: now })
    assert.throws(() => readRecord(reader, eviction, now), isRefused)
    assert.throws(() => readEviction(reader, signRecord(issuer, saying)), isRefused)
  })
})

describe('An eviction', () => {
  it('holds when its issuer’s certificate has expired, if it was made before', async () => {
    const issuer = notaryOf(await member('issuer'))
    const eviction = signEviction(issuer, { subject: 'x', spared: ['y'], at: now })
    const later = notaryOf(await member('storage'), { ...systemClock, now: () => now + 400 * day })
    const { subject, spared, by } = readEviction(later, eviction)
    assert.deepEqual([subject, spared, by.id], ['x', ['y'], issuer.id])
  })

  it('is refused from anybody but an issuer', async () => {
    for (const role of ['storage', 'reader'] as const) {
      const bytes = signEviction(notaryOf(await member(role)), {
        subject: 'x',
        spared: [],
        at: now,
      })
      assert.throws(() => readEviction(reader, bytes), isRefused)
    }
  })
})

describe('What members tell each other of members', () => {
  it('is refused when it is not what was agreed, whatever it is', () => {
    const good = {
      digest: [['a', 1]],
      sum: '',
      records: [new Uint8Array(3)],
      wanted: ['b'],
    } as const
    const bytes = encodeExchange(good)
    assert.deepEqual(decodeExchange(bytes), { ...good, full: false, evictions: undefined })
    const random = seededRandom(33)
    for (let round = 0; round < 2_000; round++) {
      const broken = round % 2 === 0 ? bytes.slice() : random.bytes(between(random, 0, 60))
      if (round % 2 === 0) broken[between(random, 0, broken.length)]! ^= between(random, 1, 256)
      try {
        decodeExchange(broken)
      } catch (error) {
        assert.ok(isRefused(error), `round ${round}: ${String(error)}`)
      }
    }
    assert.throws(() => decodeExchange(new Uint8Array(2 << 20)), isRefused)
  })
})
