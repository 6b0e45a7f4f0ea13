import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatAddress, makeAddress, type Address } from '../address/address.ts'
import type { Clock } from '../base/clock.ts'
import { isDreyError } from '../base/error.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { neighbourhood, torn, type Neighbour, type Neighbourhood } from './neighbourhood.ts'
import { Publisher } from './publisher.ts'

const bytes = seededRandom(51).bytes(200_000)

/** A clock that moves when it is told to. */
class HandClock implements Clock {
  #now = 1_000_000
  readonly #sleepers: { at: number; wake: () => void }[] = []

  now(): number {
    return this.#now
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    this.#sleepers.push({ at: this.#now + ms, wake: resolve })
    await promise
  }

  async pass(ms: number): Promise<void> {
    this.#now += ms
    for (const { at, wake } of this.#sleepers) if (at <= this.#now) wake()
    await new Promise((resolve) => setTimeout(resolve, 100)) // Whoever woke asks its neighbours.
  }
}

interface Village extends Disposable {
  readonly town: Neighbourhood
  readonly publishers: readonly Publisher[]
  /** What each has announced now. */
  readonly announced: readonly Set<string>[]
  readonly saved: string[][]
}

function publishing(town: Neighbourhood, clock: Clock): Village {
  const announced = town.peers.map(() => new Set<string>())
  const saved: string[][] = []
  const publishers = town.peers.map(({ node, membership, store }: Neighbour, at) => {
    const publisher = new Publisher(
      {
        ...{ membership, store, clock, log: silentLog },
        announcer: {
          publish: (root: Address) => void announced[at]!.add(formatAddress(root)),
          unpublish: (root: Address) => void announced[at]!.delete(formatAddress(root)),
        },
        locate: (root, options) => node.locate(root, options),
        save: async (roots) => void saved.push([...roots]),
      },
      [],
    )
    node.operate(publisher.operations)
    return publisher
  })
  return {
    ...{ town, publishers, announced, saved },
    [Symbol.dispose]: () => publishers.forEach((publisher) => publisher[Symbol.dispose]()),
  }
}

describe('A published blob', () => {
  it('is announced by its publisher and by the holders of its root, until it is withdrawn', async () => {
    await using town = await neighbourhood({ peers: 6, code: { k: 2, n: 3 } })
    const clock = new HandClock()
    using village = publishing(town, clock)
    const { address } = await town.peers[0]!.node.put(torn(bytes))
    const name = formatAddress(address)
    const [placement] = await town.peers[0]!.node.locate(address)
    const holders = placement!.replies.filter(({ shards }) => shards.length > 0).map(({ id }) => id)
    await village.publishers[0]!.publish(address)
    const announcing = () =>
      town.peers.filter((_, at) => village.announced[at]!.has(name)).map(({ id }) => id)
    assert.deepEqual(announcing().toSorted(), [...new Set(['n0', ...holders])].toSorted())
    assert.deepEqual(village.saved, [[name]])

    for (let hour = 0; hour < 4; hour++) await clock.pass(3_600_000)
    assert.equal(announcing().length, new Set(['n0', ...holders]).size, 'it is asked again')
    await village.publishers[0]!.unpublish(address)
    for (let hour = 0; hour < 4; hour++) await clock.pass(3_600_000)
    assert.deepEqual(announcing(), [])
    assert.deepEqual(village.publishers[0]!.list(), [])
  })

  it('is a whole one, and is withdrawn where it was published', async () => {
    await using town = await neighbourhood({ peers: 1 })
    using village = publishing(town, new HandClock())
    const [publisher] = village.publishers
    const part = makeAddress('raw', 'blake3', new Uint8Array(32))
    await assert.rejects(publisher!.publish(part), (error) => isDreyError(error, 'bad-input'))
    const other = makeAddress('dag-cbor', 'blake3', new Uint8Array(32))
    await assert.rejects(publisher!.unpublish(other), (error) => isDreyError(error, 'not-found'))
  })
})
