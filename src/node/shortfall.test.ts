import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressOf } from '../address/address.ts'
import { shortfall } from './shortfall.ts'

const block = addressOf('raw', 'blake3', new Uint8Array(1))
const why = (fellShort: { needed: number; found: number }[], absent: string[], asked = 3) => {
  const { code, message } = shortfall(block, { asked, absent, fellShort })
  return [code, message.replace(String(block), 'B')]
}

describe('A block that cannot be made whole', () => {
  it('was found by nobody, and the error names who was not there to be asked', () => {
    assert.deepEqual(why([], [], 1), ['not-found', 'nobody has block B (1 member asked)'])
    assert.deepEqual(why([], ['anna', 'ben']), [
      'not-found',
      'nobody has block B (3 members asked; not here: anna, ben)',
    ])
    const many = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    assert.match(why([], many)[1]!, /not here: a, b, c, d, e, others\)/)
  })

  it('lacks so many shards of the layout that came nearest', () => {
    const lacks = [
      { needed: 6, found: 1 },
      { needed: 4, found: 3 },
    ]
    assert.deepEqual(why(lacks, ['anna']), [
      'not-enough-shards',
      'block B: 4 shards are needed, 3 were found (3 members asked; not here: anna). ' +
        'Start more of the members that hold it',
    ])
  })
})
