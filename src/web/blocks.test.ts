import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { matches, parseAddress } from '../address/address.ts'
import { seededRandom } from '../base/random.ts'
import { childrenOf } from '../manifest/node.ts'
import { openHouse, type House } from './fixture.ts'

const film = seededRandom(5).bytes(2 << 20)

let house: House
let root: string
before(async () => {
  house = await openHouse()
  root = (await house.put(film)).address
})
after(() => house[Symbol.asyncDispose]())

const get = (address: string, query = '', headers: Record<string, string> = {}) =>
  house.ask(`/block/${address}${query}`, { headers })

describe('A block over HTTP', () => {
  it('is what its address names, and sealed', async () => {
    const { status, headers, body } = await get(root)
    assert.equal(status, 200)
    assert.equal(headers['content-type'], 'application/vnd.ipld.raw')
    assert.ok(matches(parseAddress(root), body))
    for (const child of childrenOf(body).children) {
      const segment = (await get(String(child))).body
      assert.ok(matches(child, segment))
      assert.ok(!Buffer.from(film).includes(segment.subarray(0, 32)))
    }
  })

  it('is given in ranges, and not again, as blobs are', async () => {
    const { body } = await get(root)
    const part = await get(root, '?format=raw', { range: 'bytes=10-19' })
    assert.equal(part.status, 206)
    assert.deepEqual(part.body, body.subarray(10, 20))
    assert.equal((await get(root, '', { 'if-none-match': `"${root}"` })).status, 304)
  })

  it('is given raw alone, as trustless gateways are asked', async () => {
    assert.equal((await get(root, '', { accept: 'application/vnd.ipld.raw' })).status, 200)
    assert.equal((await get(root, '', { accept: 'application/vnd.ipld.car' })).status, 406)
    assert.equal((await get(root, '?format=car')).status, 406)
  })

  it('takes the token: a link’s key opens no block', async () => {
    const answer = await get(root, `?key=${'A'.repeat(43)}`, { authorization: '' })
    assert.equal(answer.status, 401)
  })
})
