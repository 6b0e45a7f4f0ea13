import assert from 'node:assert/strict'
import * as dagCbor from '@ipld/dag-cbor'
import { base64url } from 'multiformats/bases/base64'
import { describe, it } from 'node:test'
import { isDreyError } from '../base/error.ts'
import { between, seededRandom } from '../base/random.ts'
import { formatToken, parseToken, type Token } from './token.ts'

const now = Date.UTC(2026, 6, 1)
const token: Token = {
  addresses: ['192.168.1.20:7117', '[2001:db8::7]:7117'],
  fingerprint: new Uint8Array(32).fill(1),
  secret: new Uint8Array(16).fill(2),
  expires: now + 3_600_000,
}
const text = formatToken(token)

/** A token with other fields than it should have. */
function withFields(fields: object): string {
  const all = { v: 1, a: token.addresses, f: token.fingerprint, s: token.secret, e: 2e9, ...fields }
  return `drey-join:${base64url.baseEncode(dagCbor.encode(all))}`
}

function refusal(given: string, at = now): string {
  try {
    parseToken(given, at)
  } catch (error) {
    assert.ok(isDreyError(error, 'bad-input') || isDreyError(error, 'not-allowed'), String(error))
    return error.message
  }
  return assert.fail(`it was read: ${given}`)
}

describe('A token', () => {
  it('is read as it was written', () => {
    assert.deepEqual(parseToken(text, now), token)
  })

  it('survives a mail that breaks lines and a chat that quotes', () => {
    const broken = text.match(/.{1,40}/g)!.join('\r\n  ')
    for (const given of [`  ${text}\n`, broken, `"${text}"`, `\`${text}\``, `<${text}>`]) {
      assert.deepEqual(parseToken(given, now), token)
    }
  })

  it('that was cut off anywhere says so', () => {
    for (let length = 1; length < text.length; length++) {
      assert.match(refusal(text.slice(0, length)), /cut off/, text.slice(0, length))
    }
  })

  it('says what it is instead, when it is something else', () => {
    assert.match(refusal('drey:bafyrei#key'), /link to a blob/)
    assert.match(refusal('bafyreiabc'), /address of a blob/)
    assert.match(refusal(''), /nothing/)
    assert.match(refusal('hello'), /does not begin with "drey-join:"/)
    assert.match(refusal(`${text.slice(0, 50)}…`), /has a "…"/)
    assert.match(refusal(withFields({ v: 2, x: 'new' })), /version is 2, this Drey reads 1/)
  })

  it('that has expired says when, and what to do', () => {
    const message = refusal(text, token.expires + 1)
    assert.equal(message, 'this invitation expired on 2026-07-01 01:00 UTC: ask for another')
  })

  it('with fields that are none is refused', () => {
    const wrong: object[] = [
      ...[{ a: [] }, { a: ['x'] }, { a: 7 }, { a: [7] }, { a: Array(5).fill('a:1') }],
      ...[{ a: [`${'h'.repeat(300)}:1`] }, { f: new Uint8Array(31) }, { f: 'f' }],
      ...[{ s: new Uint8Array(17) }, { e: -1 }, { e: 1.5 }, { e: 2 ** 50 }, { v: null }],
    ]
    for (const fields of wrong) assert.match(refusal(withFields(fields)), /no invitation/)
  })

  it('is a token or a failure, whatever bytes it is made of', () => {
    const random = seededRandom(7)
    for (let round = 0; round < 2_000; round++) {
      const bytes = base64url.baseDecode(text.slice('drey-join:'.length))
      for (let flips = between(random, 1, 6); flips > 0; flips--) {
        bytes[between(random, 0, bytes.length)] = between(random, 0, 256)
      }
      const cut = bytes.subarray(0, between(random, 0, bytes.length + 1))
      try {
        const read = parseToken(`drey-join:${base64url.baseEncode(cut)}`, now)
        assert.equal(read.secret.length, 16)
      } catch (error) {
        const known = isDreyError(error, 'bad-input') || isDreyError(error, 'not-allowed')
        assert.ok(known, `seed 7, round ${round}: ${String(error)}`)
      }
    }
  })
})
