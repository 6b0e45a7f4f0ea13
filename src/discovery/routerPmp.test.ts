import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDreyError } from '../base/error.ts'
import { between, seededRandom } from '../base/random.ts'
import type { Router } from './routerAsk.ts'
import { findPmp } from './routerPmp.ts'
import { PmpBox, loopback } from './routerTown.ts'

const { signal } = new AbortController()
const wanted = { protocol: 'tcp', port: 4701, externalPort: 4701, seconds: 60 } as const

async function routerOf(box: PmpBox): Promise<Router> {
  return (await findPmp(loopback, signal, box.port))!
}

describe('A router that speaks NAT-PMP', () => {
  it('is asked again when it does not answer, and found though it is slow', async () => {
    await using box = await PmpBox.open()
    box.deaf = 1
    const router = await routerOf(box)
    assert.equal(box.asked, 2)
    const mapping = await router.map(wanted, signal)
    assert.deepEqual(mapping, { externalHost: '203.0.113.5', externalPort: 4701, seconds: 60 })
  })

  it('says why it refuses', async () => {
    await using box = await PmpBox.open()
    const router = await routerOf(box)
    box.result = 4
    await assert.rejects(router.map(wanted, signal), (error) => {
      return isDreyError(error, 'unreachable') && /it has no port left/.test(error.message)
    })
    assert.equal(await findPmp(loopback, signal, box.port), undefined)
  })

  it('is not there when nobody listens', async () => {
    const box = await PmpBox.open()
    const { port } = box
    await box[Symbol.asyncDispose]()
    assert.equal(await findPmp(loopback, signal, port), undefined)
  })

  it('is not asked any more once nobody waits', async () => {
    await using box = await PmpBox.open()
    box.deaf = Infinity
    const leaving = new AbortController()
    const finding = findPmp(loopback, leaving.signal, box.port)
    leaving.abort(new Error('gone'))
    await assert.rejects(finding, /gone/)
  })

  it('does no harm with answers that are broken anywhere', async () => {
    await using box = await PmpBox.open()
    const random = seededRandom(9)
    const broken = (asked: Buffer) => {
      const answer = Buffer.from(box.answerOf(asked))
      answer[between(random, 0, answer.length)]! ^= 1 << between(random, 0, 8)
      return answer.subarray(0, between(random, 0, answer.length + 1))
    }
    const router = await routerOf(box)
    box.answer = (asked) => [broken(asked), broken(asked), box.answerOf(asked)]
    for (let round = 0; round < 200; round++) {
      const { externalPort } = await router.map(wanted, signal).catch((error: unknown) => {
        assert.ok(isDreyError(error, 'unreachable'))
        return { externalPort: 1 }
      })
      assert.ok(externalPort >= 0 && externalPort < 65_536)
    }
  })
})
