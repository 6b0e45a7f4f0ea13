import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Contact, Replied, Rpc } from 'bittorrent-dht'
import { systemClock } from '../base/clock.ts'
import { seededRandom } from '../base/random.ts'
import { Walk } from './dhtWalk.ts'

const random = seededRandom(3)
const id = Buffer.from(random.bytes(20))
const target = Buffer.alloc(20)

/** Contacts at addresses of their own, the later the closer to the target. */
function contactAt(index: number): Contact {
  const contactId = Buffer.alloc(20)
  contactId.writeUInt32BE(2 ** 31 - index, 0)
  return { id: contactId, host: `10.1.${index >> 8}.${index & 255}`, port: 7117 }
}

function contactBytes({ id: contactId, host, port }: Contact): Buffer {
  return Buffer.concat([
    contactId,
    Buffer.from([...host.split('.').map(Number), port >> 8, port & 255]),
  ])
}

/** A table that knows the first contacts, and a network in which `answer` says what they say. */
function network(answer: (to: Contact, replied: Replied) => void) {
  const gone: string[] = []
  const nodes = { closest: () => [contactAt(1), contactAt(2)] }
  const query = (to: Contact, _: unknown, replied: Replied) =>
    void setImmediate(() => answer(to, replied))
  const lost = ({ host }: { host: string }) => void gone.push(host)
  const rpc = { nodes, query } as unknown as Rpc
  return { parts: { rpc, id, clock: systemClock, lost }, gone }
}

describe('a walk through the DHT', () => {
  const { signal } = new AbortController()
  const options = { q: 'find_node', width: 8, signal } as const

  it('ends though liars name ever closer nodes', async () => {
    let last = 2
    const { parts } = network((to, replied) => {
      const liars = Array.from({ length: 20 }, () => contactBytes(contactAt(++last)))
      replied(null, { r: { id: to.id, nodes: Buffer.concat(liars) } })
    })
    const { asked, closest } = await new Walk(parts, target, options).run()
    assert.equal(asked, 200)
    assert.ok(closest.length <= 200)
  })

  it('asks others while one is late, and counts nobody who is gone', async () => {
    const { parts, gone } = network((to, replied) => {
      if (to.host === '10.1.0.2') {
        setTimeout(() => replied(new Error('Query timed out'), null), 900)
        return
      }
      const nodes = Buffer.concat([3, 4, 5].map((index) => contactBytes(contactAt(index))))
      replied(null, { r: { id: to.id, nodes } })
    })
    const { asked, answered, closest } = await new Walk(parts, target, options).run()
    assert.deepEqual([asked, answered], [5, 4])
    assert.deepEqual(
      closest.map(({ host, hops }) => [host, hops]),
      [
        ['10.1.0.5', 2],
        ['10.1.0.4', 2],
        ['10.1.0.3', 2],
        ['10.1.0.1', 1],
      ],
    )
    assert.deepEqual(gone, ['10.1.0.2'])
  })
})
