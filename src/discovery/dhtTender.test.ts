import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it } from 'node:test'
import { setTimeout as rest } from 'node:timers/promises'
import type { Contact, Replied, Rpc, To } from 'bittorrent-dht'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { dhtDefaults } from './dhtLimits.ts'
import { Tender } from './dhtTender.ts'

const neighbour: Contact = { id: Buffer.alloc(20, 1), host: '10.0.0.1', port: 7117, seen: 0 }

/** A table that knows one node, and a network in which `answer` says what comes back. */
function openTender(answer: (to: To) => Error | null) {
  const known = new Set([neighbour])
  const asked: string[] = []
  const nodes = Object.assign(new EventEmitter(), {
    get: (id: Buffer) => [...known].find((contact) => contact.id.equals(id)) ?? null,
    remove: (id: Buffer) => known.forEach((one) => one.id.equals(id) && known.delete(one)),
    count: () => known.size,
  })
  const query = (to: To, _: unknown, replied: Replied) => {
    asked.push(to.host)
    setImmediate(() => replied(answer(to), null))
  }
  const rpc = { nodes, query } as unknown as Rpc
  const common = { limits: dhtDefaults, clock: systemClock, log: silentLog }
  const tender = new Tender({ rpc, ...common, explore: () => Promise.resolve() })
  return { tender, known, asked }
}

const silence = new Error('Query timed out')

describe('who tends the table of the DHT', () => {
  it('lets go of a node that answers nobody', async () => {
    const { tender, known } = openTender(() => silence)
    tender.doubt(neighbour)
    while (known.size > 0) await rest(1)
  })

  it('keeps a node of whom a packet was lost', async () => {
    let times = 0
    const { tender, known } = openTender(() => (++times === 1 ? silence : null))
    tender.doubt(neighbour)
    tender.doubt(neighbour) // It is asked already.
    while (times < 2) await rest(1)
    await rest(5)
    assert.deepEqual([known.size, times], [1, 2])
  })

  it('believes nobody that a node is gone from where it never was', () => {
    const { tender, asked } = openTender(() => silence)
    tender.doubt({ ...neighbour, host: '10.9.9.9' })
    assert.deepEqual(asked, [])
  })

  it('gives the place of the oldest in a full bucket to a new one, if that is gone', async () => {
    const { tender, asked } = openTender(({ host }) => (host === '10.0.0.1' ? silence : null))
    const heard = { ...neighbour, host: '10.0.0.2', seen: Date.now() }
    const replaced: Contact[] = []
    tender.choose([heard], (gone) => replaced.push(gone)) // It was heard just now.
    tender.choose([heard, neighbour], (gone) => replaced.push(gone))
    while (replaced.length === 0) await rest(1)
    assert.deepEqual(replaced, [neighbour])
    assert.deepEqual(asked, ['10.0.0.1'])
  })
})
