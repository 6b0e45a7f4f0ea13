import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { concat } from '../base/bytes.ts'
import { memoryLog, type LogLine } from '../base/log.ts'
import { between, seededRandom } from '../base/random.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import * as frame from './frame.ts'
import type { Answerer } from './incoming.ts'
import { socketPair } from './testSwarm.ts'

const limits = { requestWindowBytes: 100_000, requestsMax: 4, payloadBytesMax: 200_000 } as const
const never: Answerer = () => new Promise(() => {})

const hello = (version = 1): Uint8Array =>
  frame.encodeFrame(
    'hello',
    0,
    frame.encodeHello({
      ...{ version, requestWindow: 1 << 20, responseWindow: 1 << 30 },
      ...{ payloadMax: 1 << 20, requests: 8 },
    }),
  )
const request = (id: number, size?: number): Uint8Array =>
  frame.encodeFrame('request', id, frame.encodeHeader({}, size))
const piece = (id: number, size: number): Uint8Array =>
  frame.encodeFrame('requestPayload', id, new Uint8Array(size))

/** A connection whose other side is in our hands, byte by byte. */
async function withStranger(
  test: (parts: { connection: Connection; stranger: Socket }) => Promise<void>,
  options: ConnectionOptions & { answer?: Answerer } = {},
): Promise<LogLine[]> {
  const lines: LogLine[] = []
  const [here, stranger] = await socketPair()
  stranger.on('error', () => {}) // Being cut off is what most of these tests are about.
  const { answer = never, ...rest } = options
  const log = memoryLog(lines)
  const connection = new Connection(here, 'stranger', answer, { ...limits, ...rest, log })
  try {
    await test({ connection, stranger })
  } finally {
    connection.close('the test is over')
    stranger.destroy()
  }
  return lines
}

/** Says this, and is dropped with a reason like that, at once. */
async function dropped(why: RegExp, said: Uint8Array[], options?: ConnectionOptions) {
  const lines = await withStranger(async ({ connection, stranger }) => {
    stranger.resume()
    stranger.write(concat(said))
    assert.match(await connection.ended, why)
  }, options)
  const ends = lines.filter(({ message }) => message === 'connection ended')
  assert.equal(ends.length, 1, 'it says so once')
  assert.match((ends[0]!.fields as { reason: string }).reason, why)
}

describe('a connection drops, with a reason in the log, a peer', () => {
  it('that announces a frame longer than any', async () => {
    await dropped(/request frame of 65537 bytes, too long/, [
      hello(),
      new Uint8Array([2, 1, 0, 1, 0, 0, 0, 1]),
    ])
  })

  it('that sends a frame of a type that is not known', async () => {
    await dropped(/unknown type 77/, [hello(), new Uint8Array([77, 0, 0, 0, 0, 0, 0, 1])])
  })

  it('that sends a header that is not DAG-CBOR', async () => {
    const garbage = frame.encodeFrame('request', 1, new Uint8Array([0xff, 0x00, 0x41]))
    await dropped(/not DAG-CBOR/, [hello(), garbage])
  })

  it('that sends a header nested so deep that reading it takes the whole stack', async () => {
    const deep = frame.encodeFrame('request', 1, new Uint8Array(60_000).fill(0x81))
    await dropped(/not DAG-CBOR|not a list/, [hello(), deep])
  })

  it('that sends a header that is not a map', async () => {
    const list = frame.encodeHeader([] as never, undefined)
    await dropped(/header that is not a map/, [hello(), frame.encodeFrame('request', 1, list)])
  })

  it('that says anything before hello', async () => {
    await dropped(/before hello/, [request(1)])
  })

  it('that says hello twice', async () => {
    await dropped(/second hello/, [hello(), hello()])
  })

  it('that speaks another version, naming both', async () => {
    await dropped(/speaks version 2, this Drey speaks 1/, [hello(2)])
  })

  it('that answers what was not asked', async () => {
    const body = frame.encodeHeader({}, undefined)
    await dropped(/response to no request/, [hello(), frame.encodeFrame('response', 5, body)])
    const error = frame.encodeError('full', 'no')
    await dropped(/error to no request/, [hello(), frame.encodeFrame('error', 5, error)])
    const part = frame.encodeFrame('responsePayload', 5, new Uint8Array(9))
    await dropped(/payload to no request/, [hello(), part])
  })

  it('that sends a payload to no request', async () => {
    await dropped(/payload to no request/, [hello(), piece(5, 10)])
  })

  it('that sends more payload than it announced', async () => {
    await dropped(/beyond its size/, [hello(), request(1, 10), piece(1, 11)])
  })

  it('that announces a payload longer than is taken', async () => {
    await dropped(/200001 bytes, too long/, [hello(), request(1, 200_001)])
  })

  it('that announces more payload than its window, before any of it has come', async () => {
    await dropped(/beyond the window/, [hello(), request(1, 60_000), request(2, 60_000)])
  })

  it('that asks more at a time than is answered', async () => {
    await dropped(/a flood/, [hello(), ...[1, 2, 3, 4, 5].map((id) => request(id))])
  })

  it('that uses the id of a request that has not ended', async () => {
    await dropped(/two requests under one id/, [hello(), request(1), request(1)])
  })

  it('that gives back credit which nobody took', async () => {
    const credit = frame.encodeFrame('credit', 0, frame.encodeCredit({ request: 1, response: 0 }))
    await dropped(/more credit than was taken/, [hello(), credit])
  })

  it('that sends empty pieces', async () => {
    await dropped(/empty piece/, [hello(), request(1, 10), piece(1, 0)])
  })

  it('that is silent, though asked for a sign of life', async () => {
    const lines = await withStranger(
      async ({ connection, stranger }) => {
        stranger.resume()
        stranger.write(hello())
        assert.match(await connection.ended, /silent for 30 ms/)
      },
      { aliveMs: 30 },
    )
    assert.equal(lines.length, 1)
  })

  it('that reads nothing of its answers, and asks for many', async () => {
    const payload = new Uint8Array(150_000)
    const answer: Answerer = async () => ({ header: {}, payload })
    await withStranger(
      async ({ connection, stranger }) => {
        stranger.pause()
        const pings = Array.from({ length: 10_000 }, (_, id) => frame.encodeFrame('ping', id))
        const asked = Array.from({ length: 200 }, (_, id) => request(id + 1)) // 30 MB: no socket holds it.
        stranger.write(concat([hello(), ...asked, ...pings]))
        assert.match(await connection.ended, /it read nothing for 60 ms/)
      },
      { drainMs: 60, requestsMax: 200, answer },
    )
  })

  it('that sends noise after its hello, whatever the noise is', async () => {
    const random = seededRandom(11)
    for (let round = 0; round < 50; round++) {
      await withStranger(async ({ connection, stranger }) => {
        stranger.resume()
        stranger.write(concat([hello(), random.bytes(between(random, 8, 5000))]))
        stranger.end()
        await connection.ended
      })
    }
  })
})
