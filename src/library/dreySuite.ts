import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { addressOf, formatAddress } from '../address/address.ts'
import { collect } from '../base/bytes.ts'
import { isDreyError } from '../base/error.ts'
import { seededRandom } from '../base/random.ts'
import type { Drey, Reference } from './drey.ts'

const film = seededRandom(7).bytes(3_500_001) // Four segments, the last one odd.
const text = 'Acorns, für den Winter 🐿'
const nowhere = formatAddress(addressOf('dag-cbor', 'blake3', Buffer.from('nobody has this')))

/** What every keeper of `Drey` does, over a node that is alone in its swarm. */
export function dreySuite(name: string, open: () => Promise<Drey>): void {
  describe(name, () => {
    let drey: Drey
    let stored: Reference
    let large: Reference
    before(async () => {
      drey = await open()
      stored = (await drey.put(film)).address
      large = (await drey.put(Buffer.alloc(24 << 20, 'oak'))).address
    })
    after(() => drey[Symbol.asyncDispose]())

    it('stores the same bytes under the same address, however they are given', async () => {
      const bytes = Buffer.from(text)
      const sources = {
        text,
        bytes,
        blob: new Blob([bytes]),
        node: Readable.from([bytes]),
        web: new Blob([bytes]).stream(),
        reader: { getReader: () => new Blob([bytes]).stream().getReader() },
        pieces: inPieces(bytes),
      }
      for (const [kind, source] of Object.entries(sources)) {
        const { address, size } = await drey.put(source)
        assert.equal(size, bytes.length, kind)
        assert.equal(await drey.get(address).text(), text, kind)
      }
    })

    it('gives a blob as chunks, as streams and whole, again and again', async () => {
      const content = drey.get(stored)

      assert.equal(await content.size(), film.length)
      assert.deepEqual(await collect(content), film)
      assert.deepEqual(new Uint8Array(await buffer(content.stream())), film)
      assert.deepEqual(new Uint8Array(await buffer(content.readable())), film)
      assert.deepEqual(await content.bytes(), film)
    })

    it('gives chunks that are not touched again', async () => {
      const chunks = await Array.fromAsync(drey.get(stored))

      assert.deepEqual(new Uint8Array(Buffer.concat(chunks)), film)
    })

    it('gives any range, also an empty one and one beyond the end', async () => {
      assert.deepEqual(
        await drey.range(stored, 1_048_570, 1_048_580),
        film.slice(1_048_570, 1_048_580),
      )
      assert.deepEqual(await drey.range(stored, 3_500_000, 9_999_999), film.slice(3_500_000))
      assert.deepEqual(
        await drey.get(stored, { range: { start: 3_400_000 } }).bytes(),
        film.slice(3_400_000),
      )
      assert.equal((await drey.range(stored, 5, 5)).length, 0)
      assert.equal(await drey.get(stored, { range: { start: 1, end: 2 } }).size(), film.length)
      await assert.rejects(drey.range(stored, 4_000_000, 4_000_001), { code: 'bad-input' })
      await assert.rejects(drey.range(stored, 5, 4), { code: 'bad-input' })
    })

    it('reads by a link as well', async () => {
      const { link } = await drey.put(text)

      assert.equal(await drey.get(link).text(), text)
    })

    it('says by a code what failed, and what is wrong in words', async () => {
      assert.throws(() => drey.get('..'), { name: 'DreyError', code: 'bad-input' })
      await assert.rejects(drey.get('acorn').bytes(), { code: 'not-found' }) // A name that nobody has set.
      await assert.rejects(drey.get(nowhere).bytes(), { code: 'not-found' })
      await assert.rejects(drey.get(nowhere).size(), { code: 'not-found' })
      await assert.rejects(drey.check(nowhere), { code: 'not-found' })
      await assert.rejects(drey.keep(nowhere), { code: 'not-found' })
      await assert.rejects(drey.remove(nowhere), { code: 'not-found' })
      await assert.rejects(drey.put(text, { code: 'four' }), { code: 'bad-input' })
      await assert.rejects(drey.put(text, { expires: new Date(0) }), { code: 'bad-input' })
      await assert.rejects(drey.put(Readable.from(['text'])), /give Uint8Array or Buffer/)
      await assert.rejects(drey.put(null as never), { code: 'bad-input' })
      await assert.rejects(drey.get(stored).text(), { code: 'bad-input' })
    })

    it('says whether a blob is there, who holds it, and how it stands', async () => {
      assert.equal(await drey.has(stored), true)
      assert.equal(await drey.has(nowhere), false)
      const [placed] = (await drey.find(stored)).layers
      assert.deepEqual(
        placed?.replies.map(({ shards }) => shards.length),
        [1],
      )
      const { survives, blocks, badShards } = await drey.check(stored, { deep: true })
      assert.deepEqual({ survives, blocks, badShards }, { survives: 0, blocks: 5, badShards: 0 })
    })

    it('keeps, lists and removes', async () => {
      const expires = new Date(Date.now() + 3_600_000)
      const { address } = await drey.put('a nut', { name: 'nut.txt', expires })
      const [nut] = (await drey.list({ search: 'nut.txt' })).blobs
      assert.equal(nut?.address, address)
      assert.ok(Math.abs(nut.expires! - expires.getTime()) < 60_000)

      assert.equal((await drey.keep(address, { name: 'kept' })).blocks, 1)
      assert.equal((await drey.list({ search: address, sort: 'name' })).total, 2)

      assert.equal((await drey.remove(address)).leases, 2)
      assert.equal((await drey.list({ search: address })).total, 0)
    })

    it('says how the node is and who its members are', async () => {
      const { id, role } = await drey.status()
      const [self] = await drey.whenLive(1)

      assert.equal(role, 'issuer')
      assert.equal(self?.id, id)
      assert.deepEqual(
        (await drey.members()).map(({ state }) => state),
        ['this'],
      )
    })

    it('invites', async () => {
      const { token, role, uses } = await drey.invite({ role: 'reader', uses: 2 })

      assert.match(token, /^drey-join:/)
      assert.deepEqual([role, uses], ['reader', 2])
      await assert.rejects(drey.invite({ expires: new Date(0) }), { code: 'bad-input' })
    })

    it('tells what is when somebody begins to listen', async () => {
      for await (const event of drey.events()) {
        assert.equal(event.type, 'member')
        break
      }
    })

    it('says how far a put is', async () => {
      const told: number[] = []
      await drey.put(film, { onProgress: (bytes) => told.push(bytes) })

      assert.ok(told.length > 1)
      assert.equal(told.at(-1), film.length)
    })

    it('fails with what the source of a put fails with', async () => {
      const broken = new Error('the camera was unplugged')

      await assert.rejects(drey.put(failing(broken)), broken)
    })

    it('ends with the reason of the signal, also when the source is silent', async () => {
      const reason = new Error('enough')
      const soon = () => {
        const controller = new AbortController()
        setTimeout(() => controller.abort(reason), 20)
        return { signal: controller.signal }
      }
      const over = { signal: AbortSignal.abort(reason) }

      await assert.rejects(drey.put(silent(), soon()), reason)
      await assert.rejects(drey.whenLive(9, soon()), reason)
      await assert.rejects(drey.get(stored, over).bytes(), reason)
      await assert.rejects(drey.status(over), reason)
    })

    it('takes a signal everywhere', async () => {
      const reason = new Error('enough')
      const over = { signal: AbortSignal.abort(reason) }
      const asked = [
        ...[drey.put(text, over), drey.range(stored, 0, 9, over), drey.has(stored, over)],
        ...[drey.find(stored, over), drey.check(stored, over), drey.keep(stored, over)],
        ...[drey.remove(stored, over), drey.list(over), drey.members(over), drey.invite(over)],
        ...[drey.get(stored, over).size(), drey.events(over)[Symbol.asyncIterator]().next()],
      ]

      const done = await Promise.allSettled<unknown>(asked)
      assert.deepEqual(
        done,
        asked.map(() => ({ status: 'rejected', reason })),
      )
    })

    it('ends a reading in its middle, for the reason of the signal', async () => {
      const reason = new Error('enough')
      const controller = new AbortController()
      const read = async () => {
        for await (const _ of drey.get(large, { signal: controller.signal })) {
          controller.abort(reason)
        }
      }

      await assert.rejects(read(), reason)
    })

    it('tells a source that it is left', async () => {
      const controller = new AbortController()
      const left = Promise.withResolvers<void>()
      const source = endless(() => left.resolve())
      const stop = () => controller.abort()

      await assert.rejects(drey.put(source, { signal: controller.signal, onProgress: stop }))
      await left.promise
    })

    it('leaves a stream that is silent: it is closed', async () => {
      const readable = new Readable({ read() {} })
      const cancelled = Promise.withResolvers<void>()
      const web = new ReadableStream<Uint8Array>({ cancel: () => cancelled.resolve() })
      for (const source of [readable, web]) {
        await assert.rejects(drey.put(source, { signal: AbortSignal.timeout(20) }))
      }

      await cancelled.promise
      assert.equal(readable.destroyed, true)
    })

    it('lets a reader leave at any time, and is there for the next', async () => {
      for (let leaving = 0; leaving < 30; leaving++) {
        for await (const _ of drey.get(stored)) break
      }

      assert.equal((await drey.range(stored, 0, 9)).length, 9)
    })

    it('lets a stream be left: cancelled, or destroyed', async () => {
      const reader = drey.get(large).stream().getReader()
      await reader.read()
      await reader.cancel()
      const readable = drey.get(large).readable()
      await once(readable, 'readable')
      readable.destroy()
      await once(readable, 'close')

      assert.equal((await drey.range(stored, 0, 9)).length, 9)
    })

    it('is closed at the end of its block', async () => {
      const left: Drey[] = []
      {
        await using other = await open()
        left.push(other)
      }

      await assert.rejects(left[0]!.status(), { code: 'unreachable' })
    })

    it('fails what is under way, and what is asked later, when it is closed', async () => {
      const other = await open()
      const waiting = other.whenLive(9)
      waiting.catch(() => {}) // Seen below.
      await other[Symbol.asyncDispose]()
      await other[Symbol.asyncDispose]()

      await assert.rejects(waiting, { code: 'unreachable' })
      await assert.rejects(other.status(), (error) => isDreyError(error, 'unreachable'))
    })
  })
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (const byte of bytes) yield Uint8Array.of(byte)
}

async function* failing(error: Error): AsyncGenerator<Uint8Array> {
  yield film.subarray(0, 100_000)
  throw error
}

async function* endless(left: () => void): AsyncGenerator<Uint8Array> {
  try {
    for (;;) yield film.subarray(0, 100_000)
  } finally {
    left()
  }
}

async function* silent(): AsyncGenerator<Uint8Array> {
  yield film.subarray(0, 100)
  await new Promise(() => {})
}
