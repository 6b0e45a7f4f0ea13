import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { formatAddress, type Address } from '../address/address.ts'
import { concat, fromHex, toHex } from '../base/bytes.ts'
import * as frame from './frame.ts'
import { FrameReader } from './frameReader.ts'
import type { Header } from './transporter.ts'

interface Vector {
  readonly type: frame.FrameName
  readonly id: number
  readonly hex: string
  readonly [field: string]: unknown
}

const vectors = JSON.parse(
  readFileSync(new URL('../../test/vectors/frame.json', import.meta.url), 'utf8'),
) as { frames: Vector[] }

/** What a frame says, in the words of the vectors. */
function said(head: frame.Head, body: Uint8Array): object {
  const { name, id } = head
  const about = { type: name, id }
  switch (name) {
    case 'hello':
      return { ...about, hello: frame.decodeHello(body) }
    case 'request':
    case 'response': {
      const { header, size } = frame.decodeHeader(body)
      return { ...about, payloadSize: size ?? null, header: asJson(header) }
    }
    case 'error': {
      const { code, message } = frame.decodeError(body)
      return { ...about, code, message }
    }
    case 'requestPayload':
    case 'responsePayload':
      return { ...about, piece: toHex(body) }
    case 'credit':
      return { ...about, ...frame.decodeCredit(body) }
    case 'bye':
      return { ...about, reason: frame.decodeBye(body) }
    case 'cancel':
    case 'ping':
    case 'pong':
      return about
  }
}

/** The same, the other way. */
function body(vector: Vector, header: Header): Uint8Array | undefined {
  switch (vector.type) {
    case 'hello':
      return frame.encodeHello(vector.hello as frame.Hello)
    case 'request':
    case 'response':
      return frame.encodeHeader(header, (vector.payloadSize as number | null) ?? undefined)
    case 'error':
      return frame.encodeError(vector.code as string, vector.message as string)
    case 'requestPayload':
    case 'responsePayload':
      return fromHex(vector.piece as string)
    case 'credit':
      return frame.encodeCredit(vector as unknown as frame.Credit)
    case 'bye':
      return frame.encodeBye(vector.reason as string)
    case 'cancel':
    case 'ping':
    case 'pong':
      return undefined
  }
}

function asJson(header: Header): Header {
  const block = header.block as Address | undefined
  return block === undefined ? header : { ...header, block: { '/': formatAddress(block) } }
}

/** Reads a stream that comes in chunks of this size. */
function read(stream: Uint8Array, chunkBytes: number): object[] {
  const heard: object[] = []
  const reader = new FrameReader({
    payload: (head, part) => heard.push(said(head, part)),
    control: (head, whole) => heard.push(said(head, whole)),
  })
  for (let at = 0; at < stream.length; at += chunkBytes) {
    reader.push(stream.slice(at, at + chunkBytes))
  }
  return heard
}

describe('frames', () => {
  const stream = concat(vectors.frames.map(({ hex }) => fromHex(hex)))
  const expected = vectors.frames.map(({ hex: _, ...rest }) => rest)

  it('are read as the vectors say', () => {
    assert.deepEqual(read(stream, stream.length), expected)
  })

  it('are written as the vectors say, byte by byte', () => {
    for (const vector of vectors.frames) {
      const header = ['request', 'response'].includes(vector.type)
        ? frame.decodeHeader(fromHex(vector.hex).subarray(frame.headBytes)).header
        : {}
      const written = frame.encodeFrame(vector.type, vector.id, body(vector, header))
      assert.equal(toHex(written), vector.hex)
    }
  })

  it('are the same wherever the stream is torn; only payloads come in parts', () => {
    for (const chunkBytes of [1, 2, 7, 9, 31]) {
      const whole = read(stream, chunkBytes).filter((each) => !('piece' in each))
      assert.deepEqual(
        whole,
        expected.filter((each) => !('piece' in each)),
        `by ${chunkBytes}`,
      )
    }
  })

  it('give an unknown code of a failure as a failure to understand, with its words', () => {
    const error = frame.decodeError(frame.encodeError('from-the-future', 'too many acorns'))
    assert.equal(error.code, 'protocol')
    assert.match(error.message, /too many acorns/)
  })

  it('hold the longest error, in any script', () => {
    const body = frame.encodeError('full', '🐿'.repeat(100_000))
    assert.ok(body.length < frame.bodyBytesMax)
    assert.equal(frame.decodeError(body).code, 'full')
  })
})
