import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import { isDreyError } from '../base/error.ts'
import { createAuthority, issue } from './authority.ts'
import { createKey, makeIdentity, memberOf, whyNotValid } from './identity.ts'
import { testSwarm } from './testSwarm.ts'

describe('a certificate', () => {
  it('names its member by the key that it is for, and the role', async () => {
    const authority = await createAuthority('the oak')
    const { keyPem, publicKeyPem } = createKey()
    const certificatePem = await issue(authority, publicKeyPem, { role: 'reader' })
    const identity = makeIdentity({
      keyPem,
      certificatePem,
      authorityPem: authority.certificatePem,
    })
    assert.match(identity.id, /^[a-z2-7]{32}$/)
    assert.equal(identity.role, 'reader')
    const certificate = new X509Certificate(certificatePem)
    assert.deepEqual(memberOf(certificate), { id: identity.id, role: 'reader' })
    assert.ok(certificate.verify(new X509Certificate(authority.certificatePem).publicKey))
    assert.equal(certificate.ca, false)
  })

  it('is of no use with another key', async () => {
    const { authority } = await testSwarm()
    const certificatePem = await issue(authority, createKey().publicKeyPem, { role: 'storage' })
    const parts = {
      keyPem: createKey().keyPem,
      certificatePem,
      authorityPem: authority.certificatePem,
    }
    assert.throws(
      () => makeIdentity(parts),
      (error) => isDreyError(error, 'not-a-member'),
    )
  })

  it('of an authority is not a member', async () => {
    const { authority } = await testSwarm()
    const certificate = new X509Certificate(authority.certificatePem)
    assert.ok(certificate.ca)
    assert.throws(
      () => memberOf(certificate),
      (error) => isDreyError(error, 'not-a-member'),
    )
  })

  it('holds from a day before it was made, for clocks that are late, to its last day', async () => {
    const { authority } = await testSwarm()
    const now = Date.now()
    const certificatePem = await issue(authority, createKey().publicKeyPem, {
      role: 'storage',
      days: 10,
    })
    const dayMs = 24 * 3_600_000
    assert.equal(whyNotValid(certificatePem, now - 0.9 * dayMs), undefined)
    assert.equal(whyNotValid(certificatePem, now + 9.9 * dayMs), undefined)
    assert.match(whyNotValid(certificatePem, now - 1.1 * dayMs)!, /^it begins on /)
    assert.match(whyNotValid(certificatePem, now + 10.1 * dayMs)!, /^it expired on /)
  })

  it('that cannot be read is refused with a reason', () => {
    const parts = { keyPem: createKey().keyPem, certificatePem: 'acorn', authorityPem: 'acorn' }
    assert.throws(
      () => makeIdentity(parts),
      (error) => isDreyError(error, 'bad-input'),
    )
  })
})
