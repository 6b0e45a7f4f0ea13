import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DnsRecord, Packet } from 'multicast-dns'
import { seededRandom } from '../base/random.ts'
import { createAuthority } from '../transport/authority.ts'
import * as words from './lanWords.ts'

const tag = seededRandom(1).bytes(16)
const presence = { name: words.lanName(tag, 'ann'), tag, port: 4701 }

/** A packet as it is read, in which texts are bytes. */
function packetOf({ answers = [], additionals = [] }: Partial<Packet>): Packet {
  const read = (record: DnsRecord): DnsRecord =>
    record.type === 'TXT'
      ? { ...record, data: record.data.map((text) => Buffer.from(text)) }
      : record
  return { questions: [], answers: answers.map(read), additionals: additionals.map(read) }
}

const heard = (packet: Partial<Packet>) => words.decodePresences(packetOf(packet), tag)

describe('A presence', () => {
  it('is read as it was said, by those of the same swarm alone', () => {
    const said = words.encodePresence(presence)
    const { name, port } = presence
    assert.deepEqual(heard(said), [{ name, port, seconds: 600 }])
    assert.deepEqual(words.decodePresences(packetOf(said), seededRandom(2).bytes(16)), [])
  })

  it('lasts ten minutes at most and one at least, or is over', () => {
    const seconds = (said: number) => heard(words.encodePresence(presence, said))[0]?.seconds
    assert.deepEqual([0, 1, 100, 4_000_000].map(seconds), [0, 60, 100, 600])
  })

  it('names a swarm only to those who have its certificate', async () => {
    const { certificatePem } = await createAuthority('one')
    const other = await createAuthority('one')
    const mine = words.lanTag(certificatePem)
    assert.equal(mine.length, 16)
    assert.deepEqual(words.lanTag(certificatePem), mine)
    assert.notDeepEqual(words.lanTag(other.certificatePem), mine)
    assert.notEqual(words.lanName(mine, 'ann'), words.lanName(tag, 'ann'))
  })

  it('is not read from records of something else, or without a port', () => {
    const { answers, additionals = [] } = words.encodePresence(presence)
    const [service, texts] = additionals
    const renamed = { ...service!, name: 'printer._ipp._tcp.local' } as DnsRecord
    const closed = { ...service!, data: { port: 0, target: 'x' } } as DnsRecord
    assert.deepEqual(heard({ answers, additionals: [renamed, texts!] }), [])
    assert.deepEqual(heard({ answers, additionals: [closed, texts!] }), [])
    assert.deepEqual(heard({ answers, additionals: [service!] }), [])
    const future = { ...texts!, data: ['v=2', 'swarm=x'] } as DnsRecord
    assert.deepEqual(heard({ answers, additionals: [service!, future] }), [])
  })

  it('is asked for by the name of the service, in any case', () => {
    const asks = (name: string) =>
      words.isAsked({ questions: [{ name, type: 'PTR' }], answers: [], additionals: [] })
    assert.deepEqual([asks('_DREY._tcp.local'), asks('_http._tcp.local')], [true, false])
  })
})
