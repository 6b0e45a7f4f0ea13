import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { dawdle } from '../../bench/httpReaders.ts'
import { ask } from '../../src/gateway/ask.ts'
import { collect } from '../../src/base/bytes.ts'
import { between, seededRandom } from '../../src/base/random.ts'
import type { PutReply } from '../../src/gateway/blobs.ts'
import { Fuzzer, wrongAnswer } from './httpFuzz.ts'
import { askWeb, openWebServer, type WebServer } from './webServer.ts'

const film = seededRandom(6).bytes(24 << 20) // More than the kernel buffers for who does not read.
const dawdlers = 60 // Each takes megabytes of the kernel's memory; the soak has 500.

let server: WebServer
let address: string
let authorization: string
before(async () => {
  server = await openWebServer()
  authorization = `Bearer ${server.token}`
  const put = { method: 'PUT', headers: { authorization }, body: film }
  address = (JSON.parse((await askWeb(server, '/blob', put)).body.toString()) as PutReply).address
})
after(() => server[Symbol.asyncDispose]())

describe('The HTTP door of a node', () => {
  it('is opened by a token that only its user can read, and that stays', async () => {
    const { mode } = await stat(server.folder.httpToken)
    assert.equal(mode & 0o777, 0o600)
    assert.match(server.token, /^[\w-]{43}$/)
  })

  it('serves others while many read a byte a second', async () => {
    const [host, port] = server.address.split(':') as [string, string]
    const size = film.length
    const served = { host, port: Number(port), address, token: server.token, size }
    const sockets = await dawdle(served, dawdlers)
    const random = seededRandom(2)
    for (let turn = 0; turn < 10; turn++) {
      const start = between(random, 0, size - 1000)
      const headers = { authorization, range: `bytes=${start}-${start + 999}` }
      const { body } = await askWeb(server, `/blob/${address}`, { headers })
      assert.ok(body.equals(film.subarray(start, start + 1000)))
    }
    const signal = new AbortController().signal
    const local = await ask(server.node.door, 'GET', `/blob/${address}`, { signal })
    assert.equal((await collect(local.body)).length, size)
    for (const socket of sockets) socket.destroy()
  })

  it('answers three thousand requests of whatever form as it is described', async () => {
    const fuzzer = new Fuzzer(server, { seed: 11, address, film })
    for (let count = 0; count < 3_000; count++) {
      const asked = fuzzer.next()
      const wrong = wrongAnswer(asked, await fuzzer.ask(asked))
      assert.equal(wrong, undefined, `seed 11, request ${count}: ${JSON.stringify(asked.text)}`)
    }
    assert.equal((await askWeb(server, '/health')).status, 200)
  })
})
