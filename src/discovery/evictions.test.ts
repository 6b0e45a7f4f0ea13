import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Eviction } from './eviction.ts'
import { Evictions } from './evictions.ts'

/** The key of issuer x is key-x. */
const issuersOf = (...members: string[]) =>
  members.map((member) => ({ member, key: `key-${member}` }))

/** `by` stands below as many issuers as its name has dots. */
function eviction(by: string, subject: string, spared: string[] = [], at = 1): Eviction {
  const issuers = issuersOf(...by.split('.').slice(0, -1))
  const bytes = new Uint8Array(Buffer.from(JSON.stringify([by, subject, spared, at])))
  return { subject, spared, at, by: { id: by, role: 'issuer', issuers }, bytes }
}

const member = (id: string, ...issuers: string[]) => ({
  id,
  role: 'storage' as const,
  issuers: issuersOf(...issuers),
})

function told(...all: Eviction[]): Evictions {
  const evictions = new Evictions()
  for (const each of all) evictions.add(each)
  return evictions
}

describe('Evictions', () => {
  it('end a membership, and those that an evicted issuer makes, but not those that are spared', () => {
    const evictions = told(eviction('root', 'x.issuer', ['good']))
    assert.match(evictions.whyNot(member('x.issuer')) ?? '', /evicted/)
    assert.match(evictions.whyNot(member('bad', 'x.issuer')) ?? '', /admitted by x.issuer/)
    assert.equal(evictions.whyNot(member('good', 'x.issuer')), undefined)
    assert.equal(evictions.whyNot(member('other', 'y.issuer')), undefined)
  })

  it('let those go on admitting that are spared, and not whoever takes their name', () => {
    const evictions = told(eviction('root', 'x', ['y', 'key-y']))
    assert.equal(evictions.whyNot(member('new', 'y', 'x')), undefined)
    const forged = { ...member('new'), issuers: [{ member: 'y', key: 'of x' }, ...issuersOf('x')] }
    assert.match(evictions.whyNot(forged) ?? '', /admitted by x/)
  })

  it('cannot be undone by whom they are about', () => {
    for (const all of [
      [eviction('root', 'x.issuer'), eviction('x.issuer', 'root')],
      [eviction('x.issuer', 'root'), eviction('root', 'x.issuer')],
    ]) {
      const evictions = told(...all)
      assert.equal(evictions.whyNot(member('root')), undefined)
      assert.ok(evictions.isEvicted('x.issuer'))
    }
  })

  it('of two issuers of equal standing, by each other, count both', () => {
    const evictions = told(eviction('x.a', 'x.b'), eviction('x.b', 'x.a'))
    assert.ok(evictions.isEvicted('x.a') && evictions.isEvicted('x.b'))
  })

  it('have the same sum for whoever knows the same, in whatever order it came', () => {
    const [one, two] = [eviction('root', 'x'), eviction('root', 'y')]
    assert.equal(told(one, two).sum, told(two, one).sum)
    assert.notEqual(told(one).sum, told(one, two).sum)
    assert.equal(told(one).add(one), false)
  })
})
