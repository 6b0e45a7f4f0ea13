import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as rest } from 'node:timers/promises'
import { addressOf } from '../address/address.ts'
import { DreyError, isDreyError } from '../base/error.ts'
import { seededRandom } from '../base/random.ts'
import { connectionDefaults } from './connection.ts'
import type { Peer, PeerEvent, Transporter } from './transporter.ts'

/** Two members that can reach each other, made anew for every test. */
export interface Town extends AsyncDisposable {
  readonly ann: Transporter
  readonly bob: Transporter
  /** Bob, started anew at the same address, after he was closed. */
  bobAgain(): Promise<Transporter>
}

const shard = seededRandom(3).bytes(300_001) // Several pieces, and not a round number of them.

/** What every keeper of `Transporter` keeps. */
export function transporterSuite(keeper: string, makeTown: () => Promise<Town>): void {
  const town = (name: string, test: (town: Town, peer: Peer) => Promise<void>) =>
    it(name, async () => {
      await using made = await makeTown()
      const peer = await made.ann.connect(made.bob.address)
      await until(() => made.bob.peers().length === 1) // Who was dialed knows a moment later.
      await test(made, peer)
    })

  describe(`${keeper}: what is said`, () => {
    town(
      'carries headers with addresses and bytes in them, there and back',
      async ({ bob }, peer) => {
        bob.serve(async (_peer, { header }) => ({ header }))
        const block = addressOf('raw', 'blake3', shard)
        const header = { block, list: [1, 'two', null], bytes: new Uint8Array([1, 2]), flag: true }
        assert.deepEqual((await peer.request({ header })).header, header)
      },
    )

    town('carries a shard there and back, whole', async ({ bob }, peer) => {
      bob.serve(async (_peer, request) => request)
      const answer = await peer.request({ header: {}, payload: shard })
      assert.deepEqual(answer.payload, shard)
      answer.release?.()
    })

    town('tells an empty payload from none', async ({ bob }, peer) => {
      bob.serve(async (_peer, request) => request)
      const payload = new Uint8Array(0)
      assert.deepEqual((await peer.request({ header: {}, payload })).payload, payload)
      assert.equal((await peer.request({ header: {} })).payload, undefined)
    })

    town('writes an answer where the asker wants it', async ({ bob }, peer) => {
      bob.serve(async () => ({ header: { of: 'film' }, payload: shard }))
      const memory = new Uint8Array(new SharedArrayBuffer(shard.length + 10), 10)
      const asked: unknown[] = []
      const into = (header: object, size: number) => {
        asked.push(header, size)
        return memory
      }
      const answer = await peer.request({ header: {} }, { into })
      assert.equal(answer.payload, memory)
      assert.deepEqual(new Uint8Array(memory), shard)
      assert.deepEqual(asked, [{ of: 'film' }, shard.length])
    })

    town('keeps hundreds of questions apart, both ways at once', async ({ ann, bob }, peer) => {
      const double = async (_peer: Peer, { header }: { header: { n?: unknown } }) => {
        await rest(Number(header.n) % 7)
        return { header: { n: Number(header.n) * 2 } }
      }
      ann.serve(double)
      bob.serve(double)
      const ask = async (of: Peer, n: number) => (await of.request({ header: { n } })).header.n
      const numbers = Array.from({ length: 300 }, (_, n) => n)
      const back = bob.peers()[0]!
      const answers = await Promise.all(numbers.flatMap((n) => [ask(peer, n), ask(back, n)]))
      assert.deepEqual(
        answers,
        numbers.flatMap((n) => [n * 2, n * 2]),
      )
    })

    town('releases what was sent once it is no longer read', async ({ bob }, peer) => {
      const released: string[] = []
      bob.serve(async (_peer, request) => {
        request.release?.()
        return { header: {}, payload: shard, release: () => released.push('answer') }
      })
      const release = () => released.push('request')
      ;(await peer.request({ header: {}, payload: shard, release })).release?.()
      await until(() => released.length === 2)
      assert.deepEqual(released.sort(), ['answer', 'request'])
    })

    town('says who asks', async ({ ann, bob }, peer) => {
      bob.serve(async (from) => ({ header: { id: from.id, role: from.role } }))
      assert.deepEqual((await peer.request({ header: {} })).header, { id: ann.id, role: 'storage' })
      assert.equal(peer.id, bob.id)
    })
  })

  describe(`${keeper}: when things go wrong`, () => {
    town('gives an error the code and the words of the other side', async ({ bob }, peer) => {
      bob.serve(async () => {
        throw new DreyError('full', 'no room for your nuts')
      })
      await assert.rejects(peer.request({ header: {}, payload: shard }), (error) => {
        return isDreyError(error, 'full') && error.message === 'no room for your nuts'
      })
    })

    town('does not tell others how it broke', async ({ bob }, peer) => {
      bob.serve(async () => {
        throw new Error('at /home/bob/secret')
      })
      await assert.rejects(peer.request({ header: {} }), (error) => {
        return isDreyError(error, 'protocol') && !error.message.includes('secret')
      })
    })

    town('fails with the time limit when no answer comes', async ({ bob }, peer) => {
      bob.serve(() => new Promise(() => {}))
      const late = (error: unknown) => isDreyError(error, 'timeout')
      await assert.rejects(peer.request({ header: {} }, { timeoutMs: 20 }), late)
    })

    town('tells the other side when nobody waits any more', async ({ bob }, peer) => {
      const heard = Promise.withResolvers<void>()
      const asked = Promise.withResolvers<void>()
      bob.serve(async (_peer, _request, signal) => {
        signal.addEventListener('abort', () => heard.resolve())
        asked.resolve()
        return new Promise(() => {})
      })
      const controller = new AbortController()
      const reason = new Error('changed my mind')
      const request = peer.request({ header: {} }, { signal: controller.signal })
      await asked.promise
      controller.abort(reason)
      await assert.rejects(request, (error) => error === reason)
      await heard.promise
    })

    town('refuses to send what the other side would not take', async ({ bob }, peer) => {
      bob.serve(async (_peer, request) => request)
      const tooLong = new Uint8Array(connectionDefaults.payloadBytesMax + 1)
      const bad = (error: unknown) => isDreyError(error, 'bad-input')
      await assert.rejects(peer.request({ header: {}, payload: tooLong }), bad)
      await assert.rejects(peer.request({ header: { not: undefined } }), bad)
      assert.deepEqual((await peer.request({ header: { still: 'here' } })).header, {
        still: 'here',
      })
    })

    town('stops a sender whose shards are not released', async ({ bob }, peer) => {
      const held: (() => void)[] = []
      bob.serve(async (_peer, { release }) => {
        held.push(release!)
        return { header: {} }
      })
      const payload = new Uint8Array(connectionDefaults.requestWindowBytes / 2)
      const send = () => peer.request({ header: {}, payload })
      const three = Promise.all([send(), send(), send()])
      await until(() => held.length === 2)
      await rest(20)
      assert.equal(held.length, 2)
      held[0]!()
      await three
      assert.equal(held.length, 3)
    })

    town('stops an answerer whose shards are not released', async ({ bob }, peer) => {
      const payload = new Uint8Array(connectionDefaults.responseWindowBytes / 2)
      bob.serve(async () => ({ header: {}, payload }))
      const [first] = await Promise.all([
        peer.request({ header: {} }),
        peer.request({ header: {} }),
      ])
      let third = false
      const more = peer.request({ header: {} }).then(() => (third = true))
      await rest(20)
      assert.equal(third, false)
      first.release!()
      await more
    })
  })

  describe(`${keeper}: who is there`, () => {
    town('has one peer for one member, whoever dials and however often', async (town, peer) => {
      const { ann, bob } = town
      assert.equal((await ann.connect(bob.address)).id, peer.id)
      await Promise.all([
        bob.connect(ann.address),
        ann.connect(bob.address),
        bob.connect(ann.address),
      ])
      bob.serve(async () => ({ header: { hello: 'ann' } }))
      ann.serve(async () => ({ header: { hello: 'bob' } }))
      assert.deepEqual([ann.peers().length, bob.peers().length], [1, 1])
      assert.deepEqual((await ann.peers()[0]!.request({ header: {} })).header, { hello: 'ann' })
      assert.deepEqual((await bob.peers()[0]!.request({ header: {} })).header, { hello: 'bob' })
    })

    town('tells of members that come and go, until nobody listens', async ({ ann, bob }) => {
      const events: PeerEvent['type'][] = []
      const stop = ann.watch(({ type }) => events.push(type))
      await bob.close()
      await until(() => ann.peers().length === 0)
      assert.deepEqual(events, ['down'])
      stop()
    })

    town('fails what is under way when the other side leaves', async ({ bob }, peer) => {
      const asked = Promise.withResolvers<void>()
      bob.serve(() => (asked.resolve(), new Promise(() => {})))
      const request = peer.request({ header: {} })
      const gone = (error: unknown) => isDreyError(error, 'unreachable')
      const failed = assert.rejects(request, gone)
      await asked.promise
      await bob.close()
      await failed
      await assert.rejects(peer.request({ header: {} }), gone)
    })

    town('refuses to dial itself', async ({ ann }) => {
      const itself = (error: unknown) => isDreyError(error, 'bad-input')
      await assert.rejects(ann.connect(ann.address), itself)
      assert.equal(ann.peers().length, 1)
    })

    town('says that nobody is there', async ({ ann, bob }) => {
      const { address } = bob
      await bob.close()
      await until(() => ann.peers().length === 0)
      await assert.rejects(ann.connect(address), (error) => isDreyError(error, 'unreachable'))
    })

    town('comes back to a member that was gone and is there again', async (town) => {
      const { ann, bob } = town
      ann.keepConnected(bob.address)
      await bob.close()
      await until(() => ann.peers().length === 0)
      await using again = await town.bobAgain()
      again.serve(async () => ({ header: { bob: 'again' } }))
      await until(() => ann.peers().length === 1)
      assert.deepEqual((await ann.peers()[0]!.request({ header: {} })).header, { bob: 'again' })
    })

    town('may be closed twice, and says so to whoever dials after that', async ({ ann, bob }) => {
      await ann.close()
      await ann.close()
      await assert.rejects(ann.connect(bob.address), (error) => isDreyError(error, 'unreachable'))
    })
  })
}

/** Waits for something that will come to be; a test that waits in vain runs into its own time limit. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await rest(2)
}
