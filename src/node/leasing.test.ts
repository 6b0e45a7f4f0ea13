import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import { DreyError, isDreyError } from '../base/error.ts'
import { silentLog } from '../base/log.ts'
import type { Membership } from '../discovery/membership.ts'
import { claim, HandClock, oak } from '../lease/fixture.ts'
import { newLease, type LeaseSecret } from '../lease/lease.ts'
import { memoryLeases, type Leases } from '../lease/leases.ts'
import type { Handler, Header, Message, Peer, RequestOptions } from '../transport/transporter.ts'
import { Leasing } from './leasing.ts'
import * as protocol from './protocol.ts'
import type { Operations } from './serve.ts'

const { signal } = new AbortController()
const newSecret = (): LeaseSecret => newLease({ owner: 'ann', made: 1 }).secret

/** Time goes on by itself, as far as it is rested. */
class RollingClock extends HandClock {
  override sleep: Clock['sleep'] = async (ms, signal) => {
    await turn()
    signal?.throwIfAborted()
    this.time += ms
  }
}

/** A member as others hear it: it answers at once, as `operations` say. */
class Voice implements Peer {
  readonly id: string
  readonly role = 'storage'
  readonly address = ''
  readonly operations: Operations
  /** How often it was asked, for what. */
  readonly asked: string[] = []

  constructor(id: string, operations: Operations) {
    this.id = id
    this.operations = operations
  }

  async request({ header }: Message, options: RequestOptions = {}): Promise<Message> {
    this.asked.push(String(header.op))
    return this.operations[header.op as string]!(this, { header }, options.signal ?? signal)
  }

  close(): void {}
}

/** A member with a book of leases, and those that it hears. */
class Ear implements AsyncDisposable {
  readonly id: string
  readonly leases: Leases
  readonly leasing: Leasing
  readonly clock = new RollingClock()
  readonly voices: Voice[] = []
  readonly #over = new AbortController()

  constructor(id: string) {
    this.id = id
    const { clock } = this
    this.leases = memoryLeases({ owner: id, clock })
    const others = () => this.voices.map((peer) => ({ peer, record: { name: peer.id } }))
    const membership = { others } as unknown as Membership
    this.leasing = new Leasing({ leases: this.leases, membership, clock, log: silentLog })
    void this.leasing.run(this.#over.signal)
  }

  /** From now on it hears this one, as a new peer. */
  meet(other: Ear): Voice {
    return this.hear(other.id, other.leasing.operations())
  }

  hear(id: string, operations: Operations): Voice {
    const voice = new Voice(id, operations)
    this.voices.push(voice)
    return voice
  }

  forget(voice: Voice): void {
    this.voices.splice(this.voices.indexOf(voice), 1)
  }

  /** Resolves when it has heard that this lease has ended. */
  async hasHeard(secret: LeaseSecret): Promise<void> {
    const isThere = () => this.heard().some((each) => Buffer.compare(each, secret) === 0)
    while (!isThere()) await turn()
  }

  heard(): readonly LeaseSecret[] {
    return this.leases.book.endsFrom(0, 1e6).secrets
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new Error('the node is closing'))
    await turn()
    await this.leases[Symbol.asyncDispose]()
  }
}

describe('That a lease has ended', () => {
  it('is told to all who are here, and its owner hears who was told', async () => {
    await using owner = new Ear('owner')
    await using near = new Ear('near')
    owner.meet(near)
    const unreachable = () => Promise.reject(new DreyError('unreachable', 'it has just gone'))
    owner.hear('gone', { end: unreachable, ends: unreachable })
    const { lease, secret } = newLease({ owner: 'owner', made: 1 })
    await claim(near.leases, oak, lease)

    const more = Array.from({ length: 2 * protocol.endsMax }, newSecret)
    assert.deepEqual(await owner.leasing.end([...more, secret], signal), ['near'])

    assert.equal(near.leases.book.wants(oak), 'unwanted')
    assert.equal(near.heard().length, more.length + 1)
  })

  it('is heard by those who come later, from others than its owner', async () => {
    await using owner = new Ear('owner')
    await using witness = new Ear('witness')
    owner.meet(witness)
    const { lease, secret } = newLease({ owner: 'owner', made: 1 })
    await owner.leasing.end([secret], signal)

    await using late = new Ear('late')
    await claim(late.leases, oak, lease)
    late.meet(witness)
    await late.hasHeard(secret)

    assert.equal(late.leases.book.wants(oak), 'unwanted')
    await using latest = new Ear('latest')
    latest.meet(late)
    await latest.hasHeard(secret)
  })

  it('is asked for anew when a member comes again, and of those who stay now and then', async () => {
    await using asker = new Ear('asker')
    await using other = new Ear('other')
    const before = asker.meet(other)
    const [early, later] = [newSecret(), newSecret()]
    await other.leases.book.end([early])
    await asker.hasHeard(early)
    await other.leases.book.end([later])
    await asker.hasHeard(later) // Whoever ended it has told nobody.

    asker.forget(before)
    const latest = newSecret()
    await other.leases.book.end([latest])
    const cameAt = asker.clock.now()
    asker.meet(other)
    await asker.hasHeard(latest)
    assert.ok(asker.clock.now() - cameAt < 60_000, 'at once, not when it would be asked anyway')
    assert.deepEqual(asker.heard(), [early, later, latest])
  })

  it('is read page by page, and from the beginning when a member has another list', async () => {
    await using asker = new Ear('asker')
    await using other = new Ear('other')
    const many = Array.from({ length: 3 * protocol.endsMax + 7 }, newSecret)
    await other.leases.book.end(many)
    const before = asker.meet(other)
    await asker.hasHeard(many.at(-1)!)
    assert.deepEqual(asker.heard(), many)

    asker.forget(before)
    await using restored = new Ear('other') // Its disk was lost.
    const fresh = newSecret()
    await restored.leases.book.end([fresh])
    asker.meet(restored)
    await asker.hasHeard(fresh)
  })

  it('is heard though a member never answers', async () => {
    await using asker = new Ear('asker')
    const { promise } = Promise.withResolvers<never>()
    const silent = asker.hear('silent', { ends: () => promise })
    while (silent.asked.length === 0) await turn()
    await using other = new Ear('other')
    const secret = newSecret()
    await other.leases.book.end([secret])

    asker.meet(other)
    await asker.hasHeard(secret)
    assert.equal(silent.asked.length, 1, 'it is not asked again before it has answered')
  })

  it('is heard though a member says what is none, and is asked again', async () => {
    await using asker = new Ear('asker')
    const wrong: Header[] = [{}, { log: 'x', place: 1, secrets: new Uint8Array(17) }, { place: -1 }]
    let answers = 0
    const liar = asker.hear('liar', {
      ends: async () => ({ header: wrong[answers++ % wrong.length]! }),
    })
    await using other = new Ear('other')
    const secret = newSecret()
    await other.leases.book.end([secret])
    asker.meet(other)

    await asker.hasHeard(secret)
    while (liar.asked.length < 5) await turn()
    assert.deepEqual(asker.heard(), [secret])
  })

  it('is taken from one member as long as it is no more than anybody has to say', async () => {
    await using hearer = new Ear('hearer')
    const { end } = hearer.leasing.operations() as { end: Handler }
    const [liar, owner] = [new Voice('liar', {}), new Voice('owner', {})]
    const page = Array.from({ length: protocol.endsMax }, newSecret)
    const telling = (peer: Peer) => end(peer, { header: protocol.encodeEnd(page) }, signal)

    for (let told = 0; told < 64; told++) await telling(liar)
    await assert.rejects(telling(liar), (error) => isDreyError(error, 'busy'))
    await telling(owner)
    hearer.clock.time += 600_000
    await telling(liar)
  })

  it('is not asked for without end, and nothing ends but what was told', async () => {
    await using asker = new Ear('asker')
    const { lease, secret } = newLease({ owner: 'asker', made: 1 })
    await claim(asker.leases, oak, lease)
    let place = 0
    const liar = asker.hear('liar', {
      ends: async () => {
        place += 1
        const header = protocol.encodeEnds({ log: 'x', place }, [newSecret(), newSecret()])
        return { header }
      },
    })
    while (asker.heard().length < 2 * 64) await turn()
    const asked = liar.asked.length
    for (let turns = 0; turns < 50; turns++) await turn() // A hundred seconds of its clock.

    assert.deepEqual([asked, liar.asked.length], [64, 64])
    asker.forget(liar)
    const again = asker.hear('liar', liar.operations) // It comes again.
    for (let turns = 0; turns < 50; turns++) await turn()
    assert.deepEqual(again.asked, [])
    assert.equal(asker.leases.book.wants(oak), 'wanted')
    assert.deepEqual(await asker.leasing.end([secret], signal), [])
    assert.equal(asker.leases.book.wants(oak), 'unwanted')
  })
})

describe('A lease of a put', () => {
  it('ends when the put fails, and is found by its address when it does not', async () => {
    await using owner = new Ear('owner')
    await using near = new Ear('near')
    owner.meet(near)
    const { own, book } = owner.leases
    const stored = await owner.leasing.cover({}, async (lease) => {
      await claim(near.leases, oak, lease)
      return { address: oak, size: 3 }
    })
    assert.equal(stored.size, 3)
    assert.equal(own.of(String(oak)).length, 1)

    const full = new DreyError('full', 'this node is full')
    const failing = owner.leasing.cover({ forMs: 1_000 }, async (lease) => {
      assert.equal(lease.expires, lease.made + 1_000)
      await claim(near.leases, oak, lease)
      throw full
    })
    await assert.rejects(failing, (error) => isDreyError(error, 'full'))

    assert.deepEqual(own.unfinished(), [])
    while (near.heard().length === 0) await turn()
    const [kept] = own.of(String(oak))
    assert.deepEqual(
      near.leases.book.of(oak).map(({ id }) => id),
      [kept!.id],
    )
    assert.equal(book.endsFrom(0, 10).secrets.length, 1)
  })
})
