import { once } from 'node:events'
import { base32 } from 'multiformats/bases/base32'
import { addressOf, type Address } from '../address/address.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { openDht, type Dht, type DhtOptions } from './dht.ts'
import { readBencode, type Bencoded } from './dhtBencode.ts'
import { dhtKeys } from './dhtKeys.ts'
import { openPacket, sealPacket } from './dhtSeal.ts'
import { SimulatedUdp, type SimulatedUdpOptions } from './udpSim.ts'

export const townPort = 7117
export const townSwarm = seededRandom(77).bytes(32)

/** Where the node of this number lives. */
export function homeOf(index: number): string {
  return `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`
}

export function addressAt(index: number): string {
  return `${homeOf(index)}:${townPort}`
}

export function idOf(index: number): string {
  return base32.baseEncode(seededRandom(1_000 + index).bytes(20))
}

/** The address of a block that nobody has to have. */
export function blockOf(text: string): Address {
  return addressOf('raw', 'blake3', Buffer.from(text))
}

/** Nodes of one DHT over simulated UDP, numbered from 1; whoever comes first is told to those who come later. */
export class DhtTown implements AsyncDisposable {
  readonly network: SimulatedUdp
  readonly nodes: Dht[] = []

  constructor(options?: SimulatedUdpOptions) {
    this.network = new SimulatedUdp(options)
  }

  async add(options: Partial<DhtOptions> = {}): Promise<Dht> {
    const index = this.nodes.length + 1
    const host = homeOf(index)
    const socket = this.network.socket(host)
    const common = { id: idOf(index), swarm: townSwarm, port: townPort, log: silentLog }
    const dht = await openDht({ ...common, host, socket, ...options })
    this.nodes.push(dht)
    if (index > 1) dht.addNode(addressAt(1))
    return dht
  }

  async addMany(count: number, options?: Partial<DhtOptions>): Promise<Dht[]> {
    for (let index = 0; index < count; index++) await this.add(options)
    return this.nodes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const dht of this.nodes) await dht[Symbol.asyncDispose]()
  }
}

/** Somebody at `host` who sends what it likes. */
export async function passerBy(network: SimulatedUdp, host: string, port = townPort) {
  const socket = network.socket(host)
  const heard: Buffer[] = []
  const key = dhtKeys(townSwarm).packets
  socket.on('message', (packet) => void heard.push(packet))
  socket.bind(port)
  await once(socket as unknown as NodeJS.EventEmitter, 'listening')
  const send = (packet: Uint8Array, to: number) =>
    socket.send(packet, 0, packet.length, townPort, homeOf(to))
  return {
    /** What was sent to it. */
    heard,
    /** As an outsider. */
    send,
    /** As a member. */
    say: (message: Uint8Array, to: number) => send(sealPacket(key, message, true), to),
    /** What answers to it say; it is asked things too. */
    answers: () =>
      heard
        .map((packet) => readBencode(openPacket(key, packet)!.message) as Map<string, Bencoded>)
        .flatMap((message) => (message.get('r') as Map<string, Bencoded> | undefined) ?? []),
  }
}

type Plain = number | string | Uint8Array | readonly Plain[] | { readonly [key: string]: Plain }

/** Bencode of anything, right or wrong. */
export function bencode(value: Plain): Buffer {
  if (typeof value === 'number') return Buffer.from(`i${value}e`)
  if (typeof value === 'string') return bencode(Buffer.from(value, 'latin1'))
  if (value instanceof Uint8Array) return Buffer.concat([Buffer.from(`${value.length}:`), value])
  const parts = Array.isArray(value)
    ? ['l', ...(value as Plain[]).map(bencode)]
    : [
        'd',
        ...Object.entries(value)
          .sort(byName)
          .flatMap(([k, v]) => [bencode(k), bencode(v)]),
      ]
  return Buffer.concat([...parts, 'e'].map((part) => Buffer.from(part as string)))
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}
