import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDreyError } from '../base/error.ts'
import { MemoryNetwork, type MemoryNetworkOptions } from './memory.ts'
import type { Peer } from './transporter.ts'
import { transporterSuite, until } from './transporterSuite.ts'

async function town(options: MemoryNetworkOptions = {}) {
  const network = new MemoryNetwork({ seed: 7, ...options })
  const [ann, bob] = [network.member('ann'), network.member('bob')]
  return {
    network,
    ann,
    bob,
    bobAgain: async () => network.member('bob'),
    async [Symbol.asyncDispose]() {
      await Promise.all([ann.close(), bob.close()])
    },
  }
}

transporterSuite('in memory', () => town({ latencyMs: 1 }))

describe('a memory network', () => {
  const payload = new Uint8Array(1000)

  it('loses messages, and who asked runs into the time limit', async () => {
    await using made = await town()
    made.bob.serve(async () => ({ header: {} }))
    const peer = await made.ann.connect(made.bob.address)
    made.network.silence('bob')
    await assert.rejects(peer.request({ header: {} }, { timeoutMs: 5 }), (error) =>
      isDreyError(error, 'timeout'),
    )
    made.network.wake('bob')
    assert.deepEqual((await peer.request({ header: {} })).header, {})
  })

  it('has the same losses for the same seed', async () => {
    const losses = async (seed: number) => {
      await using made = await town({ seed, loss: 0.3 })
      const { ann, bob } = made
      bob.serve(async () => ({ header: {} }))
      const dial = (): Promise<Peer> => ann.connect(bob.address).catch(dial)
      const peer = await dial()
      const lost: boolean[] = []
      for (let count = 0; count < 20; count++) {
        const asked = peer.request({ header: {} }, { timeoutMs: 5 })
        lost.push(
          await asked.then(
            () => false,
            () => true,
          ),
        )
      }
      return lost
    }
    const first = await losses(5)
    assert.deepEqual(await losses(5), first)
    assert.equal(new Set(first).size, 2)
  })

  it('changes one byte of a payload where it is told to', async () => {
    await using made = await town({ corruption: 1 })
    made.bob.serve(async () => ({ header: {}, payload }))
    const peer = await made.ann.connect(made.bob.address)
    const answer = await peer.request({ header: {} })
    assert.equal(answer.payload!.filter((byte) => byte !== 0).length, 1)
  })

  it('parts groups, which notice after a while, and meet again when it heals', async () => {
    await using made = await town({ aliveMs: 10 })
    made.bob.serve(async () => ({ header: { back: true } }))
    made.ann.keepConnected(made.bob.address)
    await until(() => made.ann.peers().length === 1)
    made.network.partition([['ann'], ['bob']])
    await until(() => made.ann.peers().length === 0 && made.bob.peers().length === 0)
    const gone = (error: unknown) => isDreyError(error, 'unreachable')
    await assert.rejects(made.ann.connect(made.bob.address), gone)
    made.network.heal()
    await until(() => made.ann.peers().length === 1)
    assert.deepEqual((await made.ann.peers()[0]!.request({ header: {} })).header, { back: true })
  })
})
