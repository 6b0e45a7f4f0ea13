import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { putKeyStream } from '../../bench/blobs.ts'
import { dawdle, freePort, readRanges } from '../../bench/httpReaders.ts'
import { seededRandom } from '../../src/base/random.ts'
import { Town } from '../../src/cli/town.ts'
import { readHttpToken } from '../../src/daemon/http.ts'
import type { PutReply } from '../../src/gateway/blobs.ts'
import { Fuzzer, wrongAnswer } from '../system/httpFuzz.ts'
import { askWeb, openWebServer } from '../system/webServer.ts'

const privateBytesMax = 120e6
const size = 64 << 20

describe('The HTTP door, for long', () => {
  it('answers a hundred thousand requests of whatever form as it is described', async () => {
    await using server = await openWebServer()
    const film = seededRandom(6).bytes(2 << 20)
    const headers = { authorization: `Bearer ${server.token}` }
    const stored = await askWeb(server, '/blob', { method: 'PUT', headers, body: film })
    const { address } = JSON.parse(stored.body.toString()) as PutReply
    const seed = Number(process.env.DREY_SEED ?? 1)
    const fuzzer = new Fuzzer(server, { seed, address, film })
    for (let count = 0; count < 100_000; count++) {
      const asked = fuzzer.next()
      const wrong = wrongAnswer(asked, await fuzzer.ask(asked))
      assert.equal(
        wrong,
        undefined,
        `seed ${seed}, request ${count}: ${JSON.stringify(asked.text)}`,
      )
    }
  })

  it('serves a thousand readers of ranges at once, and others while five hundred hardly read, in 120 MB', async () => {
    await using town = new Town(await mkdtemp(join(tmpdir(), 'drey-soak-')))
    const port = await freePort()
    const node = await town.add('reader', ['--http', `127.0.0.1:${port}`])
    const address = await putKeyStream(node, size)
    const token = await readHttpToken(node.folder)
    const served = { host: '127.0.0.1', port, address, token, size }
    await readRanges(served, { readers: 1_000, each: 2 })
    const sockets = await dawdle(served, 500)
    await readRanges(served, { readers: 1, each: 10 })
    await town.sample()
    assert.ok(node.peak.privateBytes < privateBytesMax, `${node.peak.privateBytes} bytes`)
    for (const socket of sockets) socket.destroy()
  })
})
