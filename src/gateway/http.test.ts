import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { collect, type Bytes } from '../base/bytes.ts'
import { DreyError, isDreyError } from '../base/error.ts'
import { silentLog } from '../base/log.ts'
import { socketDoor } from './client.ts'
import { jsonReply, type Door, type DoorRequest } from './door.ts'
import { httpServer, listenLocally } from './http.ts'

const chunk = 64 * 1024
const many = 512 // 32 MiB: more than any socket's buffers hold.

let folder: string
let sockets = 0
before(async () => (folder = await mkdtemp(join(tmpdir(), 'drey-door-'))))
after(() => rm(folder, { recursive: true }))

const nextPath = () => join(folder, `${++sockets}.sock`)

/** The same door, seen through a local socket. */
async function through(door: Door): Promise<Door & AsyncDisposable> {
  const path = nextPath()
  const server = httpServer(door, silentLog)
  await listenLocally(server, path)
  return Object.assign(socketDoor(path), { [Symbol.asyncDispose]: () => close(server) })
}

async function close(server: Server): Promise<void> {
  server.close()
  server.closeAllConnections()
}

const ask = (door: Door, rest: Partial<DoorRequest> = {}) =>
  door({
    ...{ method: 'GET', path: '/', query: new URLSearchParams(), headers: {}, body: bytes(0) },
    ...{ signal: new AbortController().signal },
    ...rest,
  })

async function* bytes(count: number, given?: (count: number) => void): Bytes {
  for (let index = 0; index < count; index++) {
    given?.(index + 1)
    yield new Uint8Array(chunk).fill(index)
  }
}

/** Resolves when `count` has stood still: nobody asks for more. */
async function still(count: () => number): Promise<void> {
  for (let before = -1; before !== count();) {
    before = count()
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

describe('A door behind a local socket', () => {
  it('hears method, path, query, headers and body, and its reply comes back', async () => {
    await using door = await through(async ({ method, path, query, headers, body }) => {
      const size = (await collect(body)).length
      return jsonReply({ method, path, a: query.get('a'), key: headers['drey-key'], size }, 201)
    })
    const reply = await ask(door, {
      ...{ method: 'PUT', path: '/a blob', query: new URLSearchParams({ a: 'b c' }) },
      ...{ headers: { 'drey-key': 'k' }, body: bytes(3) },
    })
    assert.equal(reply.status, 201)
    const heard = JSON.parse(Buffer.from(await collect(reply.body)).toString()) as object
    const size = 3 * chunk
    assert.deepEqual(heard, { method: 'PUT', path: '/a blob', a: 'b c', key: 'k', size })
  })

  it('makes a fast asker wait while it does not read', async () => {
    let given = 0
    const goOn = Promise.withResolvers<void>()
    await using door = await through(async ({ body }) => {
      await goOn.promise
      return jsonReply((await collect(body)).length)
    })
    const asked = ask(door, { method: 'PUT', body: bytes(many, (count) => (given = count)) })
    await still(() => given)
    assert.ok(given < many, 'the asker gave all that it had')
    goOn.resolve()
    const text = Buffer.from(await collect((await asked).body)).toString()
    assert.equal(Number(text), many * chunk)
  })

  it('is made to wait by an asker that does not read', async () => {
    let given = 0
    const body = () => bytes(many, (count) => (given = count))
    await using door = await through(async () => ({ status: 200, headers: {}, body: body() }))
    const reply = await ask(door)
    await still(() => given)
    assert.ok(given < many, 'the door gave all that it had')
    assert.equal((await collect(reply.body)).length, many * chunk)
  })

  it('says with a code and a sentence why it failed', async () => {
    await using door = await through(async () => {
      throw new DreyError('full', 'the quota is reached')
    })
    await assert.rejects(ask(door), (error) => {
      return isDreyError(error, 'full') && error.message === 'the quota is reached'
    })
  })

  it('may refuse before it has read what is sent', async () => {
    await using door = await through(async () => {
      throw new DreyError('bad-input', 'no such hash')
    })
    await assert.rejects(ask(door, { method: 'PUT', body: bytes(many) }), /no such hash/)
  })

  it('is not sent the rest of what it has refused', async () => {
    const path = nextPath()
    const server = httpServer(async ({ body }) => {
      await body[Symbol.asyncIterator]().next()
      throw new DreyError('full', 'no room')
    }, silentLog)
    server.keepAliveTimeout = 0 // It would not hang up by itself.
    await listenLocally(server, path)
    const over = Promise.withResolvers<void>()
    const sent = async function* (): Bytes {
      try {
        yield* bytes(many)
      } finally {
        over.resolve()
      }
    }
    await assert.rejects(ask(socketDoor(path), { method: 'PUT', body: sent() }), /no room/)
    await over.promise
    await close(server)
  })

  it('refuses a path that is none, and goes on', async () => {
    const path = nextPath()
    const server = httpServer(async () => jsonReply('here'), silentLog)
    await listenLocally(server, path)
    const { request } = await import('node:http')
    const asked = request({ socketPath: path, path: '/%' }).end()
    const [incoming] = (await once(asked, 'response')) as [{ statusCode: number }]
    assert.equal(incoming.statusCode, 400)
    assert.equal((await ask(socketDoor(path))).status, 200)
    await close(server)
  })

  it('learns that its asker has left', async () => {
    const left = Promise.withResolvers<unknown>()
    await using door = await through(async ({ signal }) => {
      signal.addEventListener('abort', () => left.resolve(signal.reason))
      return { status: 200, headers: {}, body: bytes(many) }
    })
    const leaving = new AbortController()
    const reply = await ask(door, { signal: leaving.signal })
    leaving.abort()
    assert.ok(isDreyError(await left.promise, 'unreachable'))
    await assert.rejects(collect(reply.body))
  })

  it('that goes in the middle of its answer is unreachable', async () => {
    const begun = Promise.withResolvers<void>()
    const door = await through(async () => {
      return { status: 200, headers: {}, body: bytes(many, () => begun.resolve()) }
    })
    const reply = await ask(door)
    await begun.promise
    await door[Symbol.asyncDispose]()
    await assert.rejects(collect(reply.body), (error) => isDreyError(error, 'unreachable'))
  })

  it('says after the body what is only known then', async () => {
    await using door = await through(async () => ({
      ...{ status: 200, headers: {}, body: bytes(2) },
      trailers: () => ({ 'drey-findings': 'some' }),
    }))
    const reply = await ask(door)
    await collect(reply.body)
    assert.equal(reply.trailers!()['drey-findings'], 'some')
  })
})

describe('A local socket', () => {
  it('can be opened by its user alone', async () => {
    const path = nextPath()
    const server = httpServer(async () => jsonReply(1), silentLog)
    await listenLocally(server, path)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    await close(server)
  })

  it('left by a node that was killed is replaced', async () => {
    const path = nextPath()
    await writeFile(path, '')
    const server = httpServer(async () => jsonReply(1), silentLog)
    await listenLocally(server, path)
    assert.equal((await ask(socketDoor(path))).status, 200)
    await close(server)
  })

  it('that a node answers at is not taken by another', async () => {
    const path = nextPath()
    const [first, second] = [1, 2].map((it) => httpServer(async () => jsonReply(it), silentLog))
    await listenLocally(first!, path)
    await assert.rejects(listenLocally(second!, path), (error) => isDreyError(error, 'busy'))
    assert.equal(Buffer.from(await collect((await ask(socketDoor(path))).body)).toString(), '1\n')
    await close(first!)
  })

  it('that nobody listens at is unreachable', async () => {
    const asked = ask(socketDoor(nextPath()))
    await assert.rejects(asked, (error) => isDreyError(error, 'unreachable'))
  })

  it('whose listener hangs up, or does not speak as agreed, is told by name', async () => {
    const path = nextPath()
    const answers = ['', 'HTTP/1.1 500 Oops\r\nconnection: close\r\n\r\nno JSON']
    const server = createServer((socket) => {
      socket.on('error', () => {}) // It hangs up rudely; so may the other side.
      socket.once('data', () => socket.end(answers.shift() ?? ''))
    }).listen(path)
    await once(server, 'listening')
    await assert.rejects(ask(socketDoor(path)), (error) => isDreyError(error, 'unreachable'))
    await assert.rejects(ask(socketDoor(path)), (error) => isDreyError(error, 'protocol'))
    server.close()
  })

  it('is left at once, with the asker’s own reason, when it does not answer', async () => {
    await using door = await through(() => new Promise(() => {}))
    const leaving = new AbortController()
    const asked = ask(door, { signal: leaving.signal })
    leaving.abort(new Error('enough'))
    await assert.rejects(asked, /enough/)
  })
})
