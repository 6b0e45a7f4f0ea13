import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock, type Clock } from '../base/clock.ts'
import { DreyError, isDreyError } from '../base/error.ts'
import { MemoryNetwork } from '../transport/memory.ts'
import type { Transporter } from '../transport/transporter.ts'
import { Reach } from './reach.ts'

/** Rests are short, so that a test is. */
const hasty: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 200, signal) }

interface Side {
  readonly reach: Reach
  readonly transporter: Transporter
  readonly probed: string[]
}

function side(
  network: MemoryNetwork,
  id: string,
  probe: (address: string) => Promise<string>,
  port: number | undefined = 7,
): Side {
  const transporter = network.member(id)
  const probed: string[] = []
  const reach = new Reach({
    ...{ transporter, clock: hasty, random: network.random, port: () => port },
    probe: async (address) => {
      probed.push(address)
      return probe(address)
    },
  })
  transporter.serve(reach.answer)
  return { reach, transporter, probed }
}

async function until(condition: () => boolean): Promise<void> {
  const limit = Date.now() + 10_000
  while (!condition()) {
    assert.ok(Date.now() < limit, 'in time')
    await systemClock.sleep(2)
  }
}

async function close(...sides: readonly Side[]): Promise<void> {
  for (const { reach, transporter } of sides) {
    reach[Symbol.dispose]()
    await transporter.close()
  }
}

const nobody = async () => assert.fail('nobody is dialed')

describe('Whether a node can be dialed', () => {
  it('is what a member says that has dialed it back, at the address that it sees', async () => {
    const network = new MemoryNetwork()
    const bob = side(network, 'bob', nobody)
    const peer = side(network, 'eve', async () => 'bob', undefined)
    await bob.transporter.connect('eve:1')
    await until(() => bob.reach.trials.length > 0)
    assert.deepEqual(peer.probed, ['bob:7'])
    assert.deepEqual(bob.reach.confirmed(), ['bob:7'])
    assert.deepEqual(bob.reach.trials, [{ by: 'eve', address: 'bob:7' }])
    await close(bob, peer)
  })

  it('is denied with a reason, also where another member answers', async () => {
    for (const [probe, why] of [
      [async () => 'mallory', /another member/],
      [() => Promise.reject(new DreyError('unreachable', 'no way')), /no way/],
    ] as const) {
      const network = new MemoryNetwork()
      const ann = side(network, 'ann', probe, undefined)
      const bob = side(network, 'bob', nobody)
      await bob.transporter.connect('ann:1')
      await until(() => bob.reach.trials.length > 0)
      assert.deepEqual(bob.reach.confirmed(), [])
      assert.match(bob.reach.trials[0]!.why ?? '', why)
      await close(ann, bob)
    }
  })

  it('is tried nowhere else, whatever is asked, and once at a time for each', async () => {
    const network = new MemoryNetwork()
    const hanging = Promise.withResolvers<string>()
    const ann = side(network, 'ann', () => hanging.promise, undefined)
    const mallory = side(network, 'mallory', nobody, undefined)
    const peer = await mallory.transporter.connect('ann:1')
    const ask = (header: object) => peer.request({ header: { op: 'reach', ...header } })
    await assert.rejects(ask({ port: 'x' }), (error) => isDreyError(error, 'protocol'))
    await assert.rejects(ask({ port: -1 }), (error) => isDreyError(error, 'protocol'))
    const first = ask({ port: 9, host: 'elsewhere', address: 'elsewhere:9' })
    await until(() => ann.probed.length > 0)
    await assert.rejects(ask({ port: 10 }), (error) => isDreyError(error, 'busy'))
    hanging.resolve('mallory')
    assert.deepEqual((await first).header, { address: 'mallory:9' })
    assert.deepEqual(ann.probed, ['mallory:9'])
    await close(ann, mallory)
  })
})
