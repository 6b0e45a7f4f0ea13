import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressOf, formatAddress } from '../address/address.ts'
import { collect } from '../base/bytes.ts'
import { DreyError, isDreyError } from '../base/error.ts'
import type { LeaseSecret } from '../lease/lease.ts'
import type { DoorReply, DoorRequest } from './door.ts'
import { leasesDoor, readLeaseWish, type LeaseParts } from './leases.ts'

const { signal } = new AbortController()
const root = addressOf('dag-cbor', 'blake3', new Uint8Array([1]))
const address = formatAddress(root)
const never = async () => assert.fail('nobody asked')
const body = (async function* () {})()

function asked(method: string, path: string, query = ''): DoorRequest {
  return { method, path, query: new URLSearchParams(query), headers: {}, body, signal }
}

/** A door of a node that has these leases for the root. */
function door(parts: Partial<LeaseParts>, secrets: readonly LeaseSecret[] = []) {
  const own = {
    of: (blob: string) =>
      blob === address ? secrets.map((secret, made) => ({ id: `${made}`, secret, made })) : [],
    list: () => assert.fail('nobody asked'),
  }
  return leasesDoor({ leasing: { end: never }, keep: never, own, ...parts })
}

async function linesOf(reply: DoorReply): Promise<unknown[]> {
  const text = Buffer.from(await collect(reply.body)).toString('utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

describe('The door to leases', () => {
  it('ends all leases that this node has for a blob, and says who has heard it', async () => {
    const secrets = [1, 2].map((byte) => new Uint8Array(16).fill(byte))
    const ended: LeaseSecret[] = []
    const end = async (some: readonly LeaseSecret[], until: AbortSignal) => {
      assert.equal(until, signal)
      ended.push(...some)
      return ['attic']
    }
    const reply = await door({ leasing: { end } }, secrets)(asked('DELETE', `/blob/${address}`))!

    assert.deepEqual(await linesOf(reply), [{ address, leases: 2, told: ['attic'] }])
    assert.deepEqual(ended, secrets)
  })

  it('says whose business it is when this node has no lease', async () => {
    const removing = async () => door({})(asked('DELETE', `/blob/${address}`))
    await assert.rejects(removing, (error) => {
      assert.ok(isDreyError(error, 'not-found'))
      assert.match(error.message, /it goes when those who have put or kept it remove it/)
      return true
    })
  })

  it('keeps a blob for as long as was asked, and tells how far it is', async () => {
    const keep: LeaseParts['keep'] = async (which, options) => {
      assert.deepEqual(
        [which.equals(root), options.lease?.forMs, options.signal],
        [true, 60_000, signal],
      )
      options.report!(64)
      await new Promise((resolve) => setTimeout(resolve, 500)) // Longer than between two lines.
      return { blocks: 70 }
    }
    const reply = await door({ keep })(asked('POST', `/keep/${address}`, 'lease=60000'))!
    const all = await linesOf(reply)

    assert.deepEqual(all[0], { progress: 64 })
    assert.deepEqual(all.at(-1), { outcome: { address, blocks: 70 } })
  })

  it('tells why a blob cannot be kept', async () => {
    const lost = new DreyError('not-enough-shards', 'too few are here')
    const keep = () => Promise.reject(lost)
    const reply = await door({ keep })(asked('POST', `/keep/${address}`))!
    assert.deepEqual(await linesOf(reply), [{ error: { code: lost.code, message: lost.message } }])
  })

  it('refuses what is no address, and what is no time', async () => {
    const isBad = (error: unknown) => isDreyError(error, 'bad-input')
    await assert.rejects(async () => door({})(asked('DELETE', '/blob/film')), isBad)
    await assert.rejects(async () => door({})(asked('POST', '/keep/film')), isBad)
    for (const time of ['0', '-1', '1.5', 'soon', '', '1e99']) {
      assert.throws(() => readLeaseWish(new URLSearchParams({ lease: time })), isBad, time)
    }
    assert.deepEqual(readLeaseWish(new URLSearchParams()), { name: undefined })
    assert.throws(() => readLeaseWish(new URLSearchParams({ name: 'x'.repeat(4_097) })), isBad)
  })

  it('lists what there is as it was asked to, and refuses what is no order or number', async () => {
    const wishes: unknown[] = []
    const list: LeaseParts['own']['list'] = (wish) => {
      wishes.push(wish)
      return { blobs: [], total: 7 }
    }
    const own = { of: () => [], list }
    const ask = async (query: string) => linesOf(await door({ own })(asked('GET', '/list', query))!)
    assert.deepEqual(await ask(''), [{ blobs: [], total: 7 }])
    await ask('search=oak&sort=size&limit=5')
    assert.deepEqual(wishes, [
      { search: undefined, sort: 'time', limit: 10_000 },
      { search: 'oak', sort: 'size', limit: 5 },
    ])
    for (const query of ['sort=colour', 'limit=0', 'limit=1.5', 'limit=10001', 'limit=x']) {
      await assert.rejects(ask(query), (error) => isDreyError(error, 'bad-input'), query)
    }
  })

  it('leaves other requests to others', () => {
    for (const [method, path] of [
      ['GET', `/blob/${address}`],
      ['DELETE', '/blob'],
      ['GET', `/keep/${address}`],
      ['POST', '/keep'],
    ] as const) {
      assert.equal(door({})(asked(method, path)), undefined)
    }
  })
})
