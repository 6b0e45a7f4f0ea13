import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import type { Bytes } from '../base/bytes.ts'
import { isDreyError } from '../base/error.ts'
import { silentLog } from '../base/log.ts'
import { jsonReply, type Door } from '../gateway/door.ts'
import { listen, type OpenDoor } from './listen.ts'

const here = { host: '127.0.0.1', port: 0, log: silentLog }
const echo: Door = async ({ path }) => jsonReply(path)

function dial({ address }: OpenDoor): Socket {
  const [host, port] = address.split(':') as [string, string]
  return connect(Number(port), host)
}

/** Sends this, and says all that comes back until the other side hangs up. */
async function told(door: OpenDoor, sent: string): Promise<string> {
  const socket = dial(door)
  socket.on('error', () => {}) // It may hang up while more is sent.
  socket.write(sent)
  return text(socket)
}

const get = (path: string, ...headers: string[]) =>
  [`GET ${path} HTTP/1.1`, 'host: localhost', ...headers, '', ''].join('\r\n')
const last = 'connection: close'

describe('The HTTP door on TCP', () => {
  it('answers where it says', async () => {
    await using door = await listen(echo, here)
    assert.match(await told(door, get('/acorn', last)), /^HTTP\/1\.1 200 [^]*"\/acorn"\n$/)
  })

  it('says what to do where another program listens', async () => {
    await using door = await listen(echo, here)
    const port = Number(door.address.split(':')[1])
    await assert.rejects(
      listen(echo, { ...here, port }),
      (error) => isDreyError(error, 'busy') && /--no-http/.test(error.message),
    )
  })

  it('refuses what no program that means well sends', async () => {
    await using door = await listen(echo, here)
    const wrong: [sent: string, status: number][] = [
      ['nonsense\r\n\r\n', 400],
      ['GET / HTTP/1.1\r\n\r\n', 400],
      [get('/', 'host: other', last), 400],
      [get('/%', last), 400],
      [get('/', `x: ${'x'.repeat(20_000)}`, last), 431],
      [get(`/${'x'.repeat(20_000)}`, last), 431],
      [get('/', 'transfer-encoding: chunked', 'content-length: 5', last), 400],
    ]
    for (const [sent, status] of wrong) {
      assert.match(await told(door, sent), new RegExp(`^HTTP/1\\.1 ${status} `), sent.slice(0, 60))
    }
  })

  it('does not wait for whoever does not say what it wants', async () => {
    const limits = { headersTimeout: 100, connectionsCheckingInterval: 50 }
    await using door = await listen(echo, { ...here, ...limits })
    const silent = ['', 'GET / HT', 'GET / HTTP/1.1\r\nhost: localhost\r\nx: y'].map((sent) =>
      told(door, sent),
    )
    for (const answer of await Promise.all(silent)) assert.match(answer, /^(HTTP\/1\.1 408 |$)/)
  })

  it('refuses whoever comes while too many are there, and lets the next one in', async () => {
    const goOn = Promise.withResolvers<void>()
    const slow: Door = async ({ path }) => {
      await goOn.promise
      return jsonReply(path)
    }
    await using door = await listen(slow, { ...here, requestsMax: 3 })
    // Three at one connection, none of which waits for the answer to the one before.
    const first = told(
      door,
      [1, 2, 3].map((at) => get(`/${at}`, ...(at === 3 ? [last] : []))).join(''),
    )
    let refused = ''
    while (!refused.startsWith('HTTP/1.1 503'))
      refused = await Promise.race([told(door, get('/4', last)), soon()])
    assert.match(refused, /"code":"busy"/)
    goOn.resolve()
    assert.equal((await first).match(/200 OK/g)?.length, 3)
    assert.match(await told(door, get('/5', last)), /^HTTP\/1\.1 200 /)
  })

  it('asks for a body when it is wanted, and hangs up on one that is not', async () => {
    const door: Door = async ({ path, body }) => {
      if (path === '/wanted') for await (const _ of body) continue
      return jsonReply(path)
    }
    await using open = await listen(door, here)
    const put = (path: string) =>
      `PUT ${path} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n`
    const socket = dial(open)
    socket.write(put('/wanted'))
    const [first] = (await once(socket, 'data')) as [Buffer]
    assert.match(first.toString(), /^HTTP\/1\.1 100 /)
    socket.end('acorn')
    assert.match(await text(socket), /^HTTP\/1\.1 200 /)
    assert.match(await told(open, put('/unwanted')), /^HTTP\/1\.1 200 [^]*connection: close/i)
  })

  it('learns that its asker has gone', async () => {
    const gone = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    async function* forever(): Bytes {
      try {
        for (;;) {
          yield Buffer.alloc(1 << 16)
          begun.resolve()
        }
      } finally {
        gone.resolve()
      }
    }
    await using door = await listen(
      async () => ({ status: 200, headers: {}, body: forever() }),
      here,
    )
    const socket = dial(door)
    socket.write(get('/'))
    await begun.promise
    socket.destroy()
    await gone.promise
  })
})

/** Whoever was let in waits for long: it was not the one to be refused. */
async function soon(): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, 100))
  return ''
}
