import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as rest } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { isDreyError } from '../base/error.ts'
import { Connection } from './connection.ts'
import { socketPair } from './testSwarm.ts'
import type { Handler } from './transporter.ts'

const payload = new Uint8Array(400_000).fill(7)
const pieceMs = 20
const timeoutMs = 300 // The whole takes longer, and three of them five times as long.

/** The two ends of a line that carries 20 KB at a time, and stops after so many bytes. */
async function slowLine(bytesMax = Infinity): Promise<[Duplex, Duplex, ...Duplex[]]> {
  const [near, nearFar] = await socketPair()
  const [farNear, far] = await socketPair()
  const slowly = (source: AsyncIterable<Buffer>) => slowed(source, bytesMax)
  void pipeline(nearFar, slowly, farNear).catch(() => {}) // The test has ended.
  void pipeline(farNear, slowly, nearFar).catch(() => {})
  return [near, far, nearFar, farNear]
}

async function* slowed(source: AsyncIterable<Buffer>, bytesMax: number): AsyncGenerator<Buffer> {
  let carried = 0
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += 20_000) {
      const piece = chunk.subarray(at, at + 20_000)
      carried += piece.length
      if (carried > bytesMax) await new Promise(() => {})
      if (piece.length > 1_000) await rest(pieceMs)
      yield piece
    }
  }
}

/** One side of a connection over such a line; the other one answers. */
async function over(answer: Handler, bytesMax?: number) {
  const line = await slowLine(bytesMax)
  const answerer = (request: Parameters<Handler>[1], signal: AbortSignal) =>
    answer(undefined as never, request, signal)
  const [near, far] = [line[0], line[1]].map((end) => new Connection(end, 'test', answerer))
  await Promise.all([near!.greeted, far!.greeted])
  return {
    near: near!,
    [Symbol.dispose]() {
      near!.close('done')
      for (const end of line) end.destroy()
    },
  }
}

const into = (_header: unknown, size: number) => new Uint8Array(size)

describe('On a slow line', () => {
  it('a payload may take longer than the time limit, as long as it moves', async () => {
    using pair = await over(async () => ({ header: {}, payload }))
    const { payload: come } = await pair.near.request({ header: {} }, { timeoutMs, into })
    assert.deepEqual(come, payload)
  })

  it('several wait for each other, and all come', async () => {
    using pair = await over(async () => ({ header: {}, payload }))
    const asks = [1, 2, 3].map(() => pair.near.request({ header: {} }, { timeoutMs, into }))
    for (const { payload: come } of await Promise.all(asks)) assert.equal(come?.length, 400_000)
  })

  it('one that has stopped is given up', async () => {
    using pair = await over(async () => ({ header: {}, payload }), 150_000)
    const asking = pair.near.request({ header: {} }, { timeoutMs, into })
    await assert.rejects(asking, (error) => isDreyError(error, 'timeout'))
  })

  it('a question without a payload is not waited for longer because others have one', async () => {
    const never = new Promise<never>(() => {})
    using pair = await over(async (_peer, { header }) =>
      header.small === true ? never : { header: {}, payload },
    )
    const bulk = pair.near.request({ header: {} }, { timeoutMs, into })
    const small = pair.near.request({ header: { small: true } }, { timeoutMs })
    await assert.rejects(small, (error) => isDreyError(error, 'timeout'))
    assert.equal((await bulk).payload?.length, 400_000)
  })
})
