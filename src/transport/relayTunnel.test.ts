import assert from 'node:assert/strict'
import { duplexPair, type Duplex } from 'node:stream'
import { describe, it } from 'node:test'
import { setTimeout as rest } from 'node:timers/promises'
import { systemClock } from '../base/clock.ts'
import { tunnel, type TunnelParts } from './relayTunnel.ts'
import { until } from './transporterSuite.ts'

/** A tunnel between Ann's and Bob's ends of two streams. */
function dig(parts: Partial<TunnelParts> = {}) {
  const [ann, left] = duplexPair()
  const [bob, right] = duplexPair()
  for (const end of [ann, bob]) end.on('error', () => {})
  const { signal } = new AbortController()
  const pace = { take: async () => {} }
  const common = { pace, clock: systemClock, idleMs: 60_000, signal }
  return { ann, bob, left, right, ended: tunnel(left, right, { ...common, ...parts }) }
}

function heardBy(stream: Duplex): () => number {
  let heard = 0
  stream.on('data', (chunk: Uint8Array) => (heard += chunk.length))
  return () => heard
}

describe('a tunnel', () => {
  it('carries what was said last before one side ended, and ends then', async () => {
    const { ann, bob, left, right, ended } = dig()
    const heard = heardBy(bob)
    ann.write(Buffer.alloc(1000))
    ann.end(Buffer.alloc(234))
    assert.deepEqual(await ended, { bytes: 1234, why: 'one side ended it' })
    assert.equal(heard(), 1234)
    assert.ok(left.destroyed && right.destroyed)
  })

  it('stops a writer whose reader does not read', async () => {
    const { ann, bob, ended } = dig()
    let written = 0
    const write = () => {
      while (written < 10 << 20 && ann.write(Buffer.alloc(1 << 14))) written += 1 << 14
    }
    ann.on('drain', write)
    write()
    await rest(50)
    assert.ok(written < 1 << 20, `${written} bytes are on their way`)
    const heard = heardBy(bob)
    await until(() => heard() >= 10 << 20)
    ann.end()
    await ended
  })

  it('carries no byte before the pace allows it', async () => {
    let allowed = 0
    let wanted = 0
    const take = (bytes: number) => {
      wanted += bytes
      return until(() => wanted <= allowed)
    }
    const { ann, bob, ended } = dig({ pace: { take } })
    const heard = heardBy(bob)
    const all = 64 << 14
    for (let piece = 0; piece < 64; piece++) ann.write(Buffer.alloc(1 << 14))
    for (; allowed < all; allowed += 5 << 14) {
      await until(() => heard() === allowed)
      await rest(2)
      assert.equal(heard(), allowed)
    }
    ann.end()
    await ended
    assert.equal(heard(), all)
  })

  it('ends when nothing goes through it, and not as long as something does', async () => {
    let wake = () => {}
    const sleep = () => new Promise<void>((resolve) => (wake = resolve))
    const { ann, bob, ended } = dig({ clock: { now: () => 0, sleep } })
    const heard = heardBy(bob)
    for (let said = 1; said <= 20; said++) {
      ann.write(Buffer.alloc(1))
      await until(() => heard() === said)
      wake()
      await rest(1)
    }
    wake()
    assert.deepEqual(await ended, { bytes: 20, why: 'nothing went through it for 60000 ms' })
  })

  it('ends with the signal, though both sides are silent', async () => {
    const closing = new AbortController()
    const { left, right, ended } = dig({ signal: closing.signal })
    closing.abort(new Error('no more'))
    assert.deepEqual(await ended, { bytes: 0, why: 'no more' })
    assert.ok(left.destroyed && right.destroyed)
  })

  it('ends when one side is torn off', async () => {
    const { left, right, ended } = dig()
    right.destroy(new Error('torn'))
    assert.match((await ended).why, /torn/)
    assert.ok(left.destroyed)
  })
})
