import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock, type Clock } from '../base/clock.ts'
import { isDreyError } from '../base/error.ts'
import { memoryLog, type LogLine } from '../base/log.ts'
import { MemoryNetwork } from '../transport/memory.ts'
import { MemoryNotary } from '../transport/memoryNotary.ts'
import type { Role, Transporter } from '../transport/transporter.ts'
import { signEviction } from './eviction.ts'
import { encodeExchange, type Exchange } from './exchange.ts'
import type { MembershipLimits } from './limits.ts'
import { Membership } from './membership.ts'
import { signRecord, type Saying } from './record.ts'

const saying: Omit<Saying, 'at'> = {
  ...{ name: 'n', zone: '', addresses: [], relays: [], offersRelay: false },
  ...{ capacity: 1, free: 1, stage: 'here' },
}

interface Villager {
  readonly id: string
  readonly transporter: Transporter
  readonly membership: Membership
  readonly saved: Uint8Array[][]
  readonly lines: LogLine[]
}

interface VillagerOptions {
  readonly role?: Role
  readonly limits?: Partial<MembershipLimits>
  readonly clock?: Clock
  readonly addresses?: readonly string[]
}

/** A member that has nothing but its membership. */
function villager(network: MemoryNetwork, id: string, options: VillagerOptions = {}): Villager {
  const { role = 'storage', limits, clock = systemClock, addresses } = options
  const transporter = network.member(id, { role })
  const lines: LogLine[] = []
  const saved: Uint8Array[][] = []
  const membership = new Membership(
    {
      ...{ transporter, clock, random: network.random, log: memoryLog(lines) },
      notary: new MemoryNotary(id, role),
      saveEvictions: async (evictions) => void saved.push([...evictions]),
    },
    { ...saying, name: id, addresses: addresses ?? [transporter.address] },
    { exchangeMs: 20, answerMs: 300, ...limits },
  )
  transporter.serve(async (peer, request) => {
    try {
      return await membership.answer(peer, request)
    } finally {
      request.release?.()
    }
  })
  return { id, transporter, membership, saved, lines }
}

const known = ({ membership }: Villager) =>
  membership
    .others()
    .filter(({ state }) => state === 'live')
    .map(({ record }) => record.id)
    .toSorted()

async function until(condition: () => boolean, why: string): Promise<void> {
  const limit = Date.now() + 20_000
  while (!condition()) {
    assert.ok(Date.now() < limit, why)
    await systemClock.sleep(2)
  }
}

async function closeAll(villagers: readonly Villager[]): Promise<void> {
  for (const { membership, transporter } of villagers) {
    await membership[Symbol.asyncDispose]()
    await transporter.close()
  }
}

/** Says something to a member in another's name, as only a member that lies would. */
async function whisper(from: Villager, to: Villager, exchange: Exchange): Promise<void> {
  const peer = await from.transporter.connect(to.transporter.address)
  const answer = await peer.request({
    header: { op: 'compare' },
    payload: encodeExchange(exchange),
  })
  answer.release?.()
}

describe('Members', () => {
  it('all know each other, though each was told of one alone', async () => {
    const network = new MemoryNetwork({ seed: 3 })
    const all = Array.from({ length: 8 }, (_, at) => villager(network, `n${at}`))
    for (const [at, { transporter }] of all.slice(1).entries()) {
      transporter.keepConnected(all[at]!.transporter.address)
    }
    await until(() => all.every((one) => known(one).length === 7), 'all know all')
    assert.ok(all.every(({ transporter }) => transporter.peers().length === 7))
    await closeAll(all)
  })

  it('who are many know everyone, and are each connected to some', async () => {
    const network = new MemoryNetwork({ seed: 4 })
    const limits = { peersMax: 6 }
    const all = Array.from({ length: 24 }, (_, at) => villager(network, `m${at}`, { limits }))
    for (const { transporter } of all.slice(1)) {
      void transporter.connect(all[0]!.transporter.address)
    }
    await until(() => all.every((one) => known(one).length === 23), 'all know all')
    const far = all[5]!.membership.others().find(({ peer }) => peer === undefined)
    if (far !== undefined) {
      assert.equal(far.state, 'live')
      const peer = await all[5]!.membership.connector.reach(far.record.id)
      assert.equal(peer.id, far.record.id)
    }
    await closeAll(all)
  })

  it('hear at once of what one says of itself anew, and find it at its new address', async () => {
    const network = new MemoryNetwork({ seed: 5 })
    const [ann, bob, eve] = ['ann', 'bob', 'eve'].map((id) => villager(network, id))
    for (const one of [bob, eve]) await one!.transporter.connect(ann!.transporter.address)
    await until(() => known(eve!).length === 2, 'eve knows both')
    await bob!.membership.say({ addresses: ['elsewhere:1'], zone: 'attic' })
    const seen = () => eve!.membership.others().find(({ record }) => record.id === 'bob')!.record
    await until(() => seen().zone === 'attic', 'eve has heard')
    assert.deepEqual(seen().addresses, ['elsewhere:1'])
    await closeAll([ann!, bob!, eve!])
  })

  it('are suspect when they fall silent, away later, and live again when they are back', async () => {
    const network = new MemoryNetwork({ seed: 6, aliveMs: 30 })
    let ahead = 0
    const clock: Clock = { ...systemClock, now: () => Date.now() + ahead }
    const ann = villager(network, 'ann', { clock })
    const bob = villager(network, 'bob')
    await bob.transporter.connect('ann:1')
    await until(() => known(ann).length === 1, 'they have met')
    const state = () => ann.membership.others()[0]!.state
    network.silence('bob')
    await until(() => state() === 'suspect', 'suspect')
    ahead = 11 * 60_000
    assert.equal(state(), 'away')
    ahead = 0
    network.wake('bob')
    await until(() => state() === 'live', 'back')
    await closeAll([ann, bob])
  })

  it('on both sides of a partition agree again after it has healed', async () => {
    const network = new MemoryNetwork({ seed: 7, aliveMs: 30 })
    const all = ['a', 'b', 'c', 'd'].map((id) => villager(network, id))
    for (const one of all.slice(1)) await one.transporter.connect('a:1')
    await until(() => all.every((one) => known(one).length === 3), 'all have met')
    network.partition([['a', 'b']])
    await until(() => all.every((one) => known(one).length === 1), 'two and two')
    await all[0]!.membership.say({ zone: 'left' })
    await all[3]!.membership.say({ zone: 'right' })
    network.heal()
    await until(() => all.every((one) => known(one).length === 3), 'all are together')
    const zoneOf = (at: number, id: string) =>
      all[at]!.membership.others().find(({ record }) => record.id === id)!.record.zone
    await until(() => zoneOf(1, 'd') === 'right' && zoneOf(2, 'a') === 'left', 'all agree')
    await closeAll(all)
  })

  it('are known again after a restart, before anyone is met', async () => {
    const network = new MemoryNetwork({ seed: 8 })
    const [ann, bob] = [villager(network, 'ann'), villager(network, 'bob')]
    await bob.transporter.connect('ann:1')
    await until(() => known(bob).length === 1, 'they have met')
    const records = bob.membership.records()
    await closeAll([bob])
    const again = villager(network, 'bob')
    await again.membership.remember(records, [])
    await until(() => again.transporter.peers().length === 1, 'connected by what it remembered')
    await closeAll([ann, again])
  })

  it('whose clock was set back outdo what they said before', async () => {
    const network = new MemoryNetwork({ seed: 9 })
    const later: Clock = { ...systemClock, now: () => Date.now() + 300_000 }
    const ann = villager(network, 'ann')
    const before = villager(network, 'bob', { clock: later })
    await before.transporter.connect('ann:1')
    await until(() => known(ann).length === 1, 'they have met')
    await closeAll([before])
    const bob = villager(network, 'bob')
    await bob.membership.say({ zone: 'attic' })
    await bob.transporter.connect('ann:1')
    const zone = () => ann.membership.others()[0]!.record.zone
    await until(() => zone() === 'attic', 'the newer word counts')
    await closeAll([ann, bob])
  })
})

describe('A member that lies', () => {
  it('about another is not believed, and the log says so', async () => {
    const network = new MemoryNetwork({ seed: 10 })
    const [ann, bob, mallory] = ['ann', 'bob', 'mallory'].map((id) => villager(network, id))
    for (const one of [bob, mallory]) await one!.transporter.connect('ann:1')
    await until(() => known(ann!).length === 2, 'they have met')
    const forged = signRecord(new MemoryNotary('bob', 'storage'), {
      ...saying,
      at: Date.now() + 50_000,
    })
    forged[forged.length - 3]! ^= 1
    await whisper(mallory!, ann!, { records: [forged, new Uint8Array(9_000), new Uint8Array(3)] })
    assert.equal(
      ann!.membership.others().find(({ record }) => record.id === 'bob')!.record.name,
      'bob',
    )
    assert.ok(ann!.lines.some(({ message }) => message === 'refused a record'))
    await closeAll([ann!, bob!, mallory!])
  })

  it('about the time, or at absurd length, is refused', async () => {
    const network = new MemoryNetwork({ seed: 11 })
    const [ann, mallory] = ['ann', 'mallory'].map((id) => villager(network, id))
    const notary = new MemoryNotary('future', 'storage')
    const sayings: Record<string, unknown>[] = [
      { at: Date.now() + 3_600_000 },
      { at: -1 },
      { name: 'x'.repeat(10_000) },
      { name: 'bell\u0007' },
      { addresses: new Array<string>(100).fill('a:1') },
      { addresses: ['nowhere'] },
      { capacity: 2 ** 60 },
      { stage: 'king' },
    ]
    for (const wrong of sayings) {
      const record = signRecord(notary, { ...saying, at: Date.now(), ...wrong })
      await whisper(mallory!, ann!, { records: [record] })
    }
    assert.deepEqual(
      ann!.membership.others().map(({ record }) => record.id),
      known(ann!).filter((id) => id === 'mallory'),
    )
    await closeAll([ann!, mallory!])
  })
})

describe('An evicted member', () => {
  async function four() {
    const network = new MemoryNetwork({ seed: 12, aliveMs: 30 })
    const boss = villager(network, 'boss', { role: 'issuer' })
    const rest = ['ann', 'bob', 'mallory'].map((id) => villager(network, id))
    for (const one of rest) await one.transporter.connect('boss:1')
    await until(() => [boss, ...rest].every((one) => known(one).length === 3), 'all have met')
    return { network, boss, ann: rest[0]!, bob: rest[1]!, mallory: rest[2]! }
  }

  it('is cut off by everyone who is connected, and each remembers it', async () => {
    const { boss, ann, bob, mallory } = await four()
    await boss.membership.evict('mallory')
    await until(() => mallory.transporter.peers().length === 0, 'nobody speaks with it')
    for (const one of [boss, ann, bob]) {
      assert.match(
        one.membership.whyNot({ id: 'mallory', role: 'storage', issuers: [] }) ?? '',
        /evicted/,
      )
      assert.equal(one.saved.at(-1)?.length, 1)
    }
    await closeAll([boss, ann, bob, mallory])
  })

  it('is refused by a member that was offline, from the first peer it meets on', async () => {
    const { network, boss, ann, bob, mallory } = await four()
    network.silence('bob')
    await until(() => bob.transporter.peers().length === 0, 'bob is offline')
    await boss.membership.evict('mallory')
    await closeAll([boss, mallory])
    network.wake('bob')
    await until(() => known(bob).includes('ann'), 'bob is back')
    const isTold = () =>
      bob.membership.whyNot({ id: 'mallory', role: 'storage', issuers: [] }) !== undefined
    await until(isTold, 'ann has told bob')
    await closeAll([ann, bob])
  })

  it('is not evicted by somebody who is no issuer', async () => {
    const { boss, ann, bob, mallory } = await four()
    await assert.rejects(ann.membership.evict('mallory'), (error) =>
      isDreyError(error, 'not-a-member'),
    )
    const forged = signEviction(new MemoryNotary('ann', 'storage'), {
      ...{ subject: 'mallory', spared: [], at: Date.now() },
    })
    await whisper(ann, bob, { evictions: [forged] })
    assert.equal(bob.membership.whyNot({ id: 'mallory', role: 'storage', issuers: [] }), undefined)
    assert.ok(bob.lines.some(({ message }) => message === 'refused an eviction'))
    await closeAll([boss, ann, bob, mallory])
  })
})
