import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressOf, formatAddress } from '../address/address.ts'
import { formatLink } from '../address/link.ts'
import { collect, concat, type Bytes } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import { between, seededRandom } from '../base/random.ts'
import type { Lease } from '../lease/lease.ts'
import type { Covering } from '../mend/covering.ts'
import { nothingPut } from '../node/receipt.ts'
import { readLines } from './ask.ts'
import { batchDoor, type BatchLine, type BatchParts } from './batch.ts'
import { frameHead, frameTypes, jsonFrame } from './batchFrames.ts'

const { signal } = new AbortController()
const lease = {} as Lease
const random = seededRandom(5)
const [small, large] = [random.bytes(700), random.bytes(300_000)]
const here = addressOf('dag-cbor', 'blake3', new Uint8Array([1]))

/** A node that says what it was given to store. */
function parts(): BatchParts {
  const node: BatchParts['node'] = {
    putAll: (_wish, work) =>
      work(async (content) => {
        const bytes = await collect(content)
        return { ...linkTo(bytes), size: bytes.length, receipt: nothingPut }
      }, lease),
  }
  const cover: Covering['cover'] = async ({ address }) => address.equals(here)
  return { node, covering: () => ({ cover }) as Covering }
}

function linkTo(bytes: Uint8Array) {
  return { address: addressOf('dag-cbor', 'blake3', bytes), key: new Uint8Array(32) }
}

async function send(body: Bytes, to = parts()): Promise<BatchLine[]> {
  const query = new URLSearchParams()
  const asked = { method: 'POST', path: '/batch', query, headers: {}, body, signal }
  const reply = await batchDoor(to)(asked)!
  const lines: BatchLine[] = []
  for await (const line of readLines<BatchLine>(reply.body)) lines.push(line)
  return lines
}

async function* pieces(bytes: Uint8Array, at: (left: number) => number): Bytes {
  for (let from = 0; from < bytes.length;) {
    const size = at(bytes.length - from)
    yield bytes.slice(from, from + size) // Its reader may give back the memory.
    from += size
  }
}

const begin = frameHead(frameTypes.begin)
const end = frameHead(frameTypes.end)
const bytes = (body: Uint8Array) => concat([frameHead(frameTypes.bytes, body.length), body])
const name = { address: formatAddress(here), size: 1 }
const done = jsonFrame(frameTypes.done, name)
const whole = concat([
  ...[begin, bytes(small), end, begin, end],
  ...[jsonFrame(frameTypes.keep, name), begin, bytes(large), bytes(small), end],
  ...[jsonFrame(frameTypes.keep, { ...name, address: formatAddress(linkTo(small).address) }), done],
])

describe('A batch', () => {
  it('stores and keeps the same, wherever what is sent is cut', async () => {
    const both = concat([large, small])
    for (const cut of [4_096, 65_536, whole.length, 0]) {
      const lines = await send(pieces(whole, () => cut || between(random, 1, 90_000)))
      assert.deepEqual(inOrder(lines), [
        { stored: 0, link: formatLink(linkTo(small)), size: 700 },
        { stored: 1, link: formatLink(linkTo(new Uint8Array())), size: 0 },
        { kept: 2, isHere: true },
        { stored: 3, link: formatLink(linkTo(both)), size: both.length },
        { kept: 4, isHere: false },
      ])
      assert.ok('outcome' in lines.at(-1)!)
    }
    for (const cut of [1, 4, 5, 6]) {
      const lines = await send(pieces(concat([begin, bytes(small), end, done]), () => cut))
      assert.deepEqual(inOrder(lines), [{ stored: 0, link: formatLink(linkTo(small)), size: 700 }])
    }
  })

  it('says at once what could not be stored, while its asker waits and sends nothing more', async () => {
    const node: BatchParts['node'] = {
      putAll: (_wish, work) => work(() => Promise.reject(new DreyError('full', 'no room')), lease),
    }
    async function* waiting(): Bytes {
      yield concat([begin, bytes(small), end])
      await new Promise(() => {})
    }
    assert.equal(errorIn(await send(waiting(), { ...parts(), node })), 'full')
  })

  it('fails when what is sent breaks off, and waits for nothing more', async () => {
    for (let at = 0; at < whole.length; at += between(random, 1, 9_000)) {
      const lines = await send(pieces(whole.subarray(0, at), (left) => left))
      assert.equal(errorIn(lines), 'bad-input', `cut at ${at}`)
    }
  })

  it('fails with what the asker’s connection fails with, in the middle of a large blob too', async () => {
    async function* broken(): Bytes {
      yield concat([begin, bytes(large)])
      throw new Error('the line is cut')
    }
    assert.ok(errorIn(await send(broken())))
  })

  it('is refused when its frames make no sense', async () => {
    const senseless: Record<string, Uint8Array[]> = {
      'bytes of nothing': [bytes(small)],
      'an end of nothing': [end],
      'a blob in a blob': [begin, bytes(large), begin],
      'keeping in a blob': [begin, jsonFrame(frameTypes.keep, name), end, done],
      'the end of all in a blob': [begin, bytes(large), done],
      'no JSON': [concat([frameHead(frameTypes.keep, 3), Buffer.from('{"a')]), done],
      'no address': [jsonFrame(frameTypes.keep, { size: 1 }), done],
      'another address': [jsonFrame(frameTypes.done, { address: 'x', size: 1 })],
      null: [jsonFrame(frameTypes.done, null)],
      'an unknown frame': [frameHead(9)],
      'too long a frame': [frameHead(frameTypes.keep, (1 << 20) + 1)],
    }
    for (const [what, frames] of Object.entries(senseless)) {
      const lines = await send(pieces(concat(frames), (left) => left))
      assert.equal(errorIn(lines), 'bad-input', what)
    }
  })
})

function inOrder(lines: readonly BatchLine[]): BatchLine[] {
  const told = lines.filter((line) => 'stored' in line || 'kept' in line)
  return told.toSorted((a, b) => numberOf(a) - numberOf(b))
}

function numberOf(line: BatchLine): number {
  return 'stored' in line ? line.stored : 'kept' in line ? line.kept : -1
}

function errorIn(lines: readonly BatchLine[]): string | undefined {
  const last = lines.at(-1)!
  return 'error' in last ? last.error.code : undefined
}
