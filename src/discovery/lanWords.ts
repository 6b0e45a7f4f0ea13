import { X509Certificate } from 'node:crypto'
import type { DnsRecord, Packet } from 'multicast-dns'
import { blake3 } from '../address/blake3.ts'
import { asBuffer, concat, toHex } from '../base/bytes.ts'

/**
 * What nodes on one network say to each other, as DNS records (RFC 6762 and 6763):
 *
 *     _drey._tcp.local          PTR  <name>._drey._tcp.local
 *     <name>._drey._tcp.local   SRV  the node's port
 *                               TXT  v=1, swarm=<32 hexadecimal digits>
 *
 * Passers-by who read it learn that a node is here, and nothing about which swarm it belongs to, unless they
 * have the swarm's certificate. No record says at which address: it is the one that the packet comes from.
 */
export const service = '_drey._tcp.local'

const version = '1'
const secondsMin = 60
const secondsMax = 600
const recordsMax = 64 // Of one packet; ours has three.

/** What is said of a swarm: 16 bytes that only those who have its authority's certificate can name. */
export function lanTag(authorityPem: string): Uint8Array {
  return tagOfKey(
    new X509Certificate(authorityPem).publicKey.export({ type: 'spki', format: 'der' }),
  )
}

/** The same, of the authority's key. */
export function tagOfKey(spki: Uint8Array): Uint8Array {
  return blake3.derive('Drey 2026 swarm on a local network', spki).subarray(0, 16)
}

/** A node's name on the network: the same after a restart, and another one in another swarm. */
export function lanName(tag: Uint8Array, id: string): string {
  const hash = blake3.derive('Drey 2026 node on a local network', concat([tag, Buffer.from(id)]))
  return `${toHex(hash.subarray(0, 8))}.${service}`
}

export interface Presence {
  readonly name: string
  readonly tag: Uint8Array
  readonly port: number
}

/** Says that a node is here for a while; for 0 seconds: that it leaves. */
export function encodePresence(
  { name, tag, port }: Presence,
  seconds = secondsMax,
): Partial<Packet> {
  const common = { name, ttl: seconds }
  return {
    answers: [{ name: service, type: 'PTR', ttl: seconds, data: name }],
    additionals: [
      { ...common, type: 'SRV', data: { port, target: name.replace(`.${service}`, '.local') } },
      { ...common, type: 'TXT', data: [`v=${version}`, `swarm=${toHex(tag)}`] },
    ],
  }
}

/** Whether somebody asks who is here. */
export function isAsked({ questions }: Packet): boolean {
  return questions.some(({ name }) => name.toLowerCase() === service)
}

/** A node that somebody says is here for so long; for 0 seconds: that leaves. */
export interface Heard {
  readonly name: string
  readonly port: number
  readonly seconds: number
}

/** The nodes of this swarm that a packet tells of. */
export function decodePresences({ answers, additionals }: Packet, tag: Uint8Array): Heard[] {
  const records = [...answers, ...additionals].slice(0, recordsMax)
  const marked = new Set(records.filter((record) => isMark(record, tag)).map(({ name }) => name))
  return records.flatMap((record) => {
    const { name, type, ttl = 0, data } = record
    if (type !== 'SRV' || !name.endsWith(`.${service}`) || !marked.has(name)) return []
    if (data.port < 1) return []
    const seconds = ttl === 0 ? 0 : Math.min(Math.max(ttl, secondsMin), secondsMax)
    return [{ name, port: data.port, seconds }]
  })
}

function isMark(record: DnsRecord, tag: Uint8Array): boolean {
  if (record.type !== 'TXT') return false
  const texts = record.data.map((text) =>
    typeof text === 'string' ? text : asBuffer(text).toString(),
  )
  return texts.includes(`v=${version}`) && texts.includes(`swarm=${toHex(tag)}`)
}
