import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { DreyError } from '../base/error.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { MemoryNotary } from '../transport/memoryNotary.ts'
import type { Signed } from '../transport/notary.ts'
import { Ledger } from './ledger.ts'
import type { Saying } from './record.ts'

const yearMs = 365 * 24 * 3_600_000
const saying: Omit<Saying, 'at'> = {
  ...{ name: 'n', zone: '', addresses: [], relays: [], offersRelay: false },
  ...{ capacity: 1, free: 1, stage: 'here' },
}

/** A clock that is set. */
class SetClock {
  aheadMs = 0
  readonly sleep = systemClock.sleep.bind(systemClock)

  now(): number {
    return systemClock.now() + this.aheadMs
  }
}

/** Members' certificates run out in half a year. */
class YoungNotary extends MemoryNotary {
  readonly #clock: SetClock

  constructor(id: string, clock: SetClock) {
    super(id, 'storage')
    this.#clock = clock
  }

  override check(purpose: string, signed: Signed, at = this.#clock.now()) {
    if (at < systemClock.now() + yearMs / 2) return super.check(purpose, signed)
    throw new DreyError('not-a-member', 'its certificate has expired')
  }
}

function ledgerOf(id: string, connected: readonly string[] = []) {
  const clock = new SetClock()
  const notary = new YoungNotary(id, clock)
  const isConnected = (other: string) => connected.includes(other)
  const parts = { clock, notary, isConnected, random: seededRandom(1), log: silentLog }
  return { clock, ledger: new Ledger({ ...parts, membersMax: 10 }, { ...saying, name: id }) }
}

const told = (by: Ledger) => ({ records: [by.own.bytes] })

describe('A member whose clock is set forward by a year', () => {
  it('goes on saying that it is here, and is believed again once the clock is right', () => {
    const [{ ledger: ann }, { ledger: bob, clock }] = [ledgerOf('ann'), ledgerOf('bob')]
    ann.learn(told(bob), 'bob')
    clock.aheadMs = yearMs
    bob.sign({ zone: 'attic' })
    assert.deepEqual(ann.learn(told(bob), 'bob').heard, [])
    clock.aheadMs = 0
    bob.sign({ zone: 'cellar' })

    assert.deepEqual(ann.learn(told(bob), 'bob').heard, ['bob'])
    assert.equal(ann.roster.get('bob')!.zone, 'cellar')
  })

  it('does not forget those who are connected', () => {
    const { ledger: bob, clock } = ledgerOf('bob', ['ann'])
    for (const id of ['ann', 'carl']) bob.learn(told(ledgerOf(id).ledger), id)
    clock.aheadMs = yearMs
    bob.sweep()

    assert.ok(bob.roster.get('ann') !== undefined)
    assert.equal(bob.roster.get('carl'), undefined)
  })

  it('misses those who fall silent after it was set back', () => {
    const { ledger: bob, clock } = ledgerOf('bob')
    clock.aheadMs = yearMs
    bob.hear('ann')
    clock.aheadMs = 0

    assert.ok(bob.heardAt('ann') <= clock.now())
    clock.aheadMs = 60_000
    assert.ok(clock.now() - bob.heardAt('ann') >= 59_000)
  })
})
