import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOfLeases, isLeaseId, leaseIdOf, newLease } from './lease.ts'

const secret = Uint8Array.from({ length: 16 }, (_, index) => index)
const id = 'c4aeae5ea3d5993195652eb38b87e7d5' // By Python's hashlib, of b'drey lease' and the secret.

describe('A lease', () => {
  it('is named by the hash of its secret, for ever', () => {
    assert.equal(leaseIdOf(secret), id)
    assert.ok(isLeaseId(id))
  })

  it('has a secret of its own', () => {
    const [one, two] = [1, 2].map(() => newLease({ owner: 'ann', made: 1 }))
    assert.equal(leaseIdOf(one!.secret), one!.lease.id)
    assert.notEqual(one!.lease.id, two!.lease.id)
  })

  it('counts in the short number of a set, whatever the order', () => {
    const other = 'ffffffff'.repeat(4)
    assert.equal(digestOfLeases([]), 0)
    assert.equal(digestOfLeases([id]), 0xc4aeae5e)
    assert.equal(digestOfLeases([id, other]), 0xc4aeae5d, 'modulo 2³²')
    assert.equal(digestOfLeases([other, id]), 0xc4aeae5d)
  })
})
