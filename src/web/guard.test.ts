import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Clock } from '../base/clock.ts'
import { openHouse, token, type Ask, type House } from './fixture.ts'

const acorn = Buffer.from('an acorn')
const day = 24 * 3_600_000

let house: House
let stored: { address: string; key: string }
let nowMs = 0
before(async () => {
  const clock: Clock = { now: () => nowMs, sleep: () => new Promise(() => {}) }
  house = await openHouse({ clock, hosts: ['attic.lan'] })
  stored = await house.put(acorn)
})
after(() => house[Symbol.asyncDispose]())

const nobody = { authorization: '' }
const statusOf = async (headers: Record<string, string>, query = '', ask: Ask = {}) =>
  (await house.ask(`/blob/${stored.address}${query}`, { ...ask, headers })).status

async function* form(text: string) {
  yield Buffer.from(text)
}

describe('Whoever asks over HTTP', () => {
  it('is told nothing without the token, and how to come by it', async () => {
    const { status, headers, body } = await house.ask(`/blob/${stored.address}`, {
      headers: nobody,
    })
    assert.equal(status, 401)
    assert.equal(headers['www-authenticate'], 'Bearer realm="drey"')
    assert.match(body.toString(), /drey http-token/)
    assert.equal((await house.ask('/name/nest', { headers: nobody })).status, 401)
  })

  it('is not let in with another token, of whatever length', async () => {
    for (const wrong of ['', 'x', token.slice(1), `${token}x`, 'x'.repeat(token.length), 'ä']) {
      assert.equal(await statusOf({ authorization: `Bearer ${wrong}` }), 401)
      assert.equal(await statusOf(nobody, `?token=${encodeURIComponent(wrong)}`), 401)
    }
    assert.equal(await statusOf({ authorization: `Basic ${token}` }), 401)
  })

  it('reads with the token in a header, or behind the path', async () => {
    assert.equal(await statusOf({ authorization: `bearer ${token}` }), 200)
    assert.equal(await statusOf(nobody, `?token=${token}`), 200)
  })

  it('reads with a link’s key what that opens, and nothing by a name', async () => {
    assert.equal(await statusOf(nobody, `?key=${stored.key}`), 200)
    assert.equal(await statusOf({ ...nobody, 'drey-key': stored.key }), 200)
    assert.equal(await statusOf(nobody, '?key=short'), 400)
    house.named.set('nest', stored.address)
    const byName = await house.ask(`/name/nest?key=${stored.key}`, { headers: nobody })
    assert.equal(byName.status, 401)
  })

  it('lets what a key alone opens be kept by anybody on the way', async () => {
    const { headers } = await house.ask(`/blob/${stored.address}?key=${stored.key}`, {
      headers: nobody,
    })
    assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable')
  })

  it('comes by a name that leads here, whatever the port', async () => {
    const known = ['localhost', 'LOCALHOST:1', '127.0.0.1:7480', '[::1]:7480', 'attic.lan:9000']
    for (const host of known) {
      assert.equal(await statusOf({ host, authorization: `Bearer ${token}` }), 200, host)
    }
    const others = [
      'evil.example',
      '192.168.1.7:7480',
      'localhost.evil.example',
      'localhost@evil',
      '',
    ]
    for (const host of [...others, '[::2]:7480', 'evil.example:7480:1', '127.0.0.1.evil.example']) {
      const all = { host, authorization: `Bearer ${token}` }
      assert.equal(await statusOf(all), 421, host)
      assert.equal((await house.ask('/nothing-is-here', { headers: all })).status, 421)
    }
  })

  it('as a page of another origin may lead here, and do nothing else', async () => {
    const page = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }
    assert.equal(await statusOf({ ...nobody, ...page }, `?key=${stored.key}`), 403)
    assert.equal(await statusOf({ ...page, 'sec-fetch-site': 'same-site' }), 403)
    const leading = { ...nobody, ...page, 'sec-fetch-mode': 'navigate' }
    assert.equal(await statusOf(leading, `?key=${stored.key}`), 200)
    for (const origin of ['http://evil.example', 'null', 'http://localhost:1', 'file://']) {
      const answer = await house.ask('/login', { method: 'POST', headers: { origin } })
      assert.equal(answer.status, 403, origin)
    }
  })

  it('is allowed no other origin to read what it is answered', async () => {
    const { headers } = await house.ask(`/blob/${stored.address}`, {
      headers: { origin: 'http://evil.example', 'access-control-request-method': 'GET' },
    })
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith('access-control')),
      [],
    )
  })
})

describe('A browser', () => {
  const html = { accept: 'text/html', ...nobody }
  const logIn = (text: string) =>
    house.ask('/login', {
      ...{ method: 'POST', body: form(`token=${token}&next=${encodeURIComponent(text)}`) },
      headers: { ...nobody, origin: 'http://localhost:7480' },
    })
  const cookieOf = (text: string) => text.split(';')[0]!

  it('is asked for the token, and led on', async () => {
    const { status, body } = await house.ask(`/blob/${stored.address}`, { headers: html })
    assert.equal(status, 401)
    assert.match(body.toString(), new RegExp(`name="next" value="/blob/${stored.address}"`))
    const { status: then, headers } = await logIn(`/blob/${stored.address}`)
    assert.equal(then, 303)
    assert.equal(headers.location, `/blob/${stored.address}`)
    assert.match(headers['set-cookie']!, /; HttpOnly; SameSite=Strict;/)
    assert.doesNotMatch(headers['set-cookie']!, new RegExp(token))
  })

  it('is led nowhere else', async () => {
    for (const next of ['//evil.example', 'http://evil.example', '/\\evil', '/\r\nx', '']) {
      assert.equal((await logIn(next)).headers.location, '/login', next)
    }
  })

  it('reads with its cookie until it is old, and writes nothing', async () => {
    const cookie = cookieOf((await logIn('/')).headers['set-cookie']!)
    assert.equal(await statusOf({ ...nobody, cookie: `a=b; ${cookie}` }), 200)
    assert.equal(await statusOf({ ...nobody, cookie: `${cookie}x` }), 401)
    nowMs += day
    assert.equal(await statusOf({ ...nobody, cookie }), 401)
  })

  it('is given no cookie for another token', async () => {
    const answer = await house.ask('/login', {
      method: 'POST',
      body: form('token=x'),
      headers: nobody,
    })
    assert.equal(answer.status, 401)
    assert.equal(answer.headers['set-cookie'], undefined)
    const long = await house.ask('/login', {
      method: 'POST',
      body: form('x'.repeat(9_999)),
      headers: nobody,
    })
    assert.equal(long.status, 400)
  })
})
