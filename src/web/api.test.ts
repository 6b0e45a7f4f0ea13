import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { collect, type Bytes } from '../base/bytes.ts'
import type { PutReply } from '../gateway/blobs.ts'
import { jsonReply, type Door } from '../gateway/door.ts'
import { openHouse, token } from './fixture.ts'

async function* bytes(text: string): Bytes {
  yield Buffer.from(text)
}

const put = { method: 'PUT', body: bytes('acorn') }

describe('Storing over HTTP', () => {
  it('answers with where it is read', async () => {
    await using house = await openHouse()
    const { status, headers, body } = await house.ask('/blob?name=an%20acorn', put)
    assert.equal(status, 201)
    const { address, size } = JSON.parse(body.toString()) as PutReply
    assert.equal(headers.location, `/blob/${address}`)
    assert.equal(size, 5)
    assert.equal((await house.ask(headers.location)).body.toString(), 'acorn')
  })

  it('takes the token in a header: what browsers send by themselves stores nothing', async () => {
    await using house = await openHouse()
    const login = { method: 'POST', body: bytes(`token=${token}`), headers: { authorization: '' } }
    const cookie = (await house.ask('/login', login)).headers['set-cookie']!.split(';')[0]!
    const others: Record<string, string>[] = [{}, { cookie }, { 'drey-key': 'A'.repeat(43) }]
    for (const headers of others) {
      const asked = { ...put, headers: { authorization: '', ...headers } }
      assert.equal((await house.ask(`/blob?token=${token}`, asked)).status, 401)
    }
  })

  it('is not for pages of other origins, even with the token', async () => {
    await using house = await openHouse()
    for (const origin of ['http://evil.example', 'null', 'http://localhost:3000']) {
      assert.equal((await house.ask('/blob', { ...put, headers: { origin } })).status, 403)
    }
    const ours = { origin: 'http://localhost:7480' }
    assert.equal((await house.ask('/blob', { ...put, headers: ours })).status, 201)
  })

  it('is for eight at a time; whoever comes then is asked to come again', async () => {
    const goOn = Promise.withResolvers<void>()
    const inner: Door = async ({ body }) => {
      await collect(body)
      await goOn.promise
      return jsonReply({ address: 'bafy' }, 201)
    }
    await using house = await openHouse({ inner })
    const asked = Array.from({ length: 8 }, () => house.ask('/blob', put))
    const refused = await house.ask('/blob', put)
    assert.equal(refused.status, 503)
    assert.equal(refused.headers['retry-after'], '10')
    goOn.resolve()
    for (const { status } of await Promise.all(asked)) assert.equal(status, 201)
    assert.equal((await house.ask('/blob', put)).status, 201)
  })
})

describe('The node’s own doors over HTTP', () => {
  it('are asked with the path that they know', async () => {
    const asked: string[] = []
    const inner: Door = async ({ method, path, query }) => {
      asked.push(`${method} ${path}?${query}`)
      return jsonReply({})
    }
    await using house = await openHouse({ inner })
    await house.ask('/api/list?limit=5')
    await house.ask('/api/name/an%20acorn?log')
    await house.ask('/name/nest', { method: 'DELETE' })
    await house.ask('/api/status', { method: 'HEAD' })
    const heard = [
      'GET /list?limit=5',
      'GET /name/an acorn?log=',
      'DELETE /name/nest?',
      'GET /status?',
    ]
    assert.deepEqual(asked, heard)
  })

  it('that change the swarm are not there', async () => {
    await using house = await openHouse()
    for (const path of ['/invites', '/leave', '/gc', '/members/x', '/api/gc', '/api/leave']) {
      assert.equal((await house.ask(path, { method: 'POST' })).status, 404)
    }
  })

  it('take the methods that they are described with', async () => {
    await using house = await openHouse()
    const { status, headers } = await house.ask('/blob', { method: 'POST' })
    assert.equal(status, 405)
    assert.equal(headers.allow, 'PUT')
    assert.equal(
      (await house.ask('/blob/x', { method: 'OPTIONS' })).headers.allow,
      'GET, HEAD, DELETE',
    )
  })
})
