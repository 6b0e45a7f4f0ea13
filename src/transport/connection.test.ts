import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as rest } from 'node:timers/promises'
import { isDreyError } from '../base/error.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import type { Answerer } from './incoming.ts'
import { socketPair } from './testSwarm.ts'
import { until } from './transporterSuite.ts'

const echo: Answerer = async (request) => request
const never: Answerer = () => new Promise(() => {})

/** Two connections that speak with each other. */
async function withBoth(
  test: (asking: Connection, answering: Connection) => Promise<void>,
  answer: Answerer,
  options: ConnectionOptions = {},
): Promise<void> {
  const [a, b] = await socketPair()
  const asking = new Connection(a, 'answering', never, options)
  const answering = new Connection(b, 'asking', answer, options)
  await Promise.all([asking.greeted, answering.greeted])
  try {
    await test(asking, answering)
  } finally {
    asking.close('the test is over')
    answering.close('the test is over')
  }
}

describe('a connection', () => {
  it('lets a small question overtake shards that wait', async () => {
    const order: unknown[] = []
    const answer: Answerer = async ({ header, release }) => {
      order.push(header.n)
      release?.()
      return { header: {} }
    }
    await withBoth(async (asking) => {
      const payload = new Uint8Array(1 << 20)
      const shards = [1, 2].map((n) => asking.request({ header: { n }, payload }))
      await Promise.all([...shards, asking.request({ header: { n: 'small' } })])
    }, answer)
    assert.deepEqual(order, ['small', 1, 2])
  })

  it('has its whole window again after shards were cancelled on their way', async () => {
    const answer: Answerer = async (request, signal) => {
      if (request.header.hold !== true) return request
      return new Promise((_, reject) => signal.addEventListener('abort', reject, { once: true }))
    }
    await withBoth(async (asking) => {
      const payload = new Uint8Array(2 << 20)
      for (let round = 0; round < 20; round++) {
        const controller = new AbortController()
        const { signal } = controller
        const cancelled = asking.request({ header: { hold: true }, payload }, { signal })
        setTimeout(() => controller.abort(new Error('enough')), round / 2)
        await assert.rejects(cancelled, /enough/)
      }
      const whole = await asking.request({ header: {}, payload })
      assert.equal(whole.payload!.length, payload.length)
    }, answer)
  })

  it('has its whole window again after answers were cancelled on their way', async () => {
    const payload = new Uint8Array(4 << 20)
    await withBoth(
      async (asking) => {
        for (let round = 0; round < 20; round++) {
          const controller = new AbortController()
          const begun = (): undefined => {
            setTimeout(() => controller.abort(new Error('enough')), round / 4)
          }
          const { signal } = controller
          const asked = asking.request({ header: {} }, { signal, into: begun })
          await asked.then(
            ({ release }) => release!(), // It was faster.
            (error: Error) => assert.equal(error.message, 'enough'),
          )
        }
        assert.equal((await asking.request({ header: {} })).payload!.length, payload.length)
      },
      async () => ({ header: {}, payload }),
    )
  })

  it('writes nothing any more into memory that the asker took back', async () => {
    const payload = new Uint8Array(4 << 20).fill(1)
    await withBoth(
      async (asking) => {
        const controller = new AbortController()
        const memory = new Uint8Array(payload.length)
        const into = () => {
          setImmediate(() => controller.abort(new Error('mine again')))
          return memory
        }
        const asked = asking.request({ header: {} }, { signal: controller.signal, into })
        await asked.catch(() => {}) // Cancelled, or faster than that.
        memory.fill(0)
        await asking.request({ header: {} })
        assert.ok(memory.every((byte) => byte === 0))
      },
      async () => ({ header: {}, payload }),
    )
  })

  it('fails only the request whose asker chooses memory of another size', async () => {
    await withBoth(
      async (asking) => {
        const into = () => new Uint8Array(3)
        await assert.rejects(asking.request({ header: {} }, { into }), /another size/)
        const answer = await asking.request({ header: {} })
        assert.equal(answer.payload!.length, 10)
      },
      async () => ({ header: {}, payload: new Uint8Array(10) }),
    )
  })

  it('stays alive for as long as both sides give signs of life', async () => {
    await withBoth(
      async (asking) => {
        await rest(200)
        assert.equal((await asking.request({ header: {} })).payload, undefined)
      },
      echo,
      { aliveMs: 60 },
    )
  })

  it('waits in turn when it asks more than the other side answers at a time', async () => {
    let [now, most] = [0, 0]
    const answer: Answerer = async () => {
      most = Math.max(most, ++now)
      await rest(1)
      now--
      return { header: {} }
    }
    await withBoth(
      async (asking) => {
        await Promise.all(Array.from({ length: 50 }, () => asking.request({ header: {} })))
      },
      answer,
      { requestsMax: 4 },
    )
    assert.equal(most, 4)
  })

  it('fails everything that waits when it ends, and sends no more', async () => {
    await withBoth(async (asking, answering) => {
      const payload = new Uint8Array(4 << 20)
      const asked = Array.from({ length: 5 }, () => asking.request({ header: {}, payload }))
      const failed = Promise.all(
        asked.map((each) => assert.rejects(each, (error) => isDreyError(error, 'unreachable'))),
      )
      answering.close('enough')
      await failed
      await until(() => !asking.open)
    }, never)
  })
})
