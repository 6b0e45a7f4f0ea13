import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type Engine from 'bittorrent-dht'
import type { Contact, Table } from 'bittorrent-dht'
import type { Address } from '../address/address.ts'
import { systemClock, type Clock } from '../base/clock.ts'
import { DreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { systemRandom, type Random } from '../base/random.ts'
import { Rarely } from '../base/rarely.ts'
import type { PeerId } from '../transport/transporter.ts'
import { Gate, type Traffic } from './dhtGate.ts'
import { dhtIdOf, dhtKeys, ownBytes } from './dhtKeys.ts'
import { dhtDefaults, type DhtLimits } from './dhtLimits.ts'
import type { LookupOptions } from './dhtLookups.ts'
import { DhtNode } from './dhtNode.ts'
import { contactsMax } from './dhtPacket.ts'
import { Values } from './dhtValues.ts'
import type { Near } from './hints.ts'
import type { DatagramLike } from './udp.ts'

export interface DhtOptions {
  /** The member's id: the DHT knows the node by the same 20 bytes. */
  readonly id: PeerId
  /** 32 bytes that every member knows. */
  readonly swarm: Uint8Array
  /** Where to listen, by IPv4: every network of the machine, when it is not said. */
  readonly host?: string
  /** The number of the port for TLS: whoever is found here is dialed there. 0 takes any that is free. */
  readonly port: number
  /** Whether others can dial this node. While they cannot, it asks, and nobody is told of it. */
  readonly canBeDialed?: () => boolean
  readonly log: Log
  readonly clock?: Clock
  readonly random?: Random
  readonly limits?: Partial<DhtLimits>
  /** In place of a real one. */
  readonly socket?: DatagramLike
}

export interface DhtState extends Readonly<Traffic> {
  /** In the routing table; all of them have said a word. */
  readonly nodes: number
  /** Announcements of others that are kept here. */
  readonly stored: number
  /** Roots that are announced from here. */
  readonly published: number
}

/**
 * Finds members by what they have announced, or by how close their ids are to an address, over the swarm's
 * own Mainline DHT. All that it says are hints: who somebody is only a handshake can tell.
 * - Every lookup ends with its signal, with the reason thrown; and after `lookupMs`, with what it has found.
 * - Outsiders are not heard; what members send is bounded in all that it can take.
 * - It speaks IPv4 alone: members that have no IPv4 address are found in other ways.
 */
export interface Dht extends AsyncDisposable {
  readonly port: number
  /** Asks whoever is at "host:port" for itself; who answers is known from then on, and is asked for others. */
  addNode(address: string): void
  /** Where nodes are that were heard lately, to be remembered. */
  nodes(): string[]
  /** Announces this node to the swarm, again and again; at `port`, or at the one that it speaks from. */
  announceSelf(port?: number): void
  stopAnnouncing(): void
  /** Addresses that members announced themselves at, as they come, none of them twice. */
  members(options: LookupOptions): AsyncIterable<string>
  /** Announces that this node has a root, now and again and again. Throws 'busy' beyond `publishedMax`. */
  publish(root: Address): void
  /** Does so no more. Others forget it within `valueMs`. */
  unpublish(root: Address): void
  /** Addresses announced for a root, as they come, none of them twice. */
  holders(root: Address, options: LookupOptions): AsyncIterable<string>
  /** The nodes whose ids are closest to an address's place in the DHT, this one among them, the closest first. */
  nearest(block: Address, options: LookupOptions & { readonly count: number }): Promise<Near[]>
  state(): DhtState
}

const contactsPerHost = 32 // A town on one machine still finds its way.

/** Opens a node of the swarm's DHT; it is ready when its port is. Throws 'unreachable' when that is not possible. */
export async function openDht(options: DhtOptions): Promise<Dht> {
  const { log, clock = systemClock, random = systemRandom, canBeDialed = () => true } = options
  const limits = { ...dhtDefaults, ...options.limits }
  const host = ipv4Host(options.host)
  const id = dhtIdOf(options.id)
  const keys = dhtKeys(options.swarm)
  const socket = options.socket ?? createSocket('udp4')
  const gate = new Gate(socket, { key: keys.packets, canBeDialed, clock, log })
  const values = new Values(limits, clock, random)
  const engine = await openEngine(gate, values, id, limits, new Rarely(clock), log)
  await listen(engine, gate, options.port, host)
  const close = () => new Promise<void>((resolve) => engine.destroy(resolve))
  const parts = { id, host, keys, rpc: engine._rpc, gate, values, limits }
  return new DhtNode({ ...parts, canBeDialed, clock, random, log, close })
}

/**
 * The engine, `bittorrent-dht` 11.0.12 over `k-rpc` 5.1.0, `k-rpc-socket` 1.11.1, `k-bucket` 5.1.0 and
 * `bencode` 2.0.3. It does the protocol's questions, answers and tokens, and the routing table. Its surprises:
 * - A packet of eight bytes (`l-3:`) is read for ever by `bencode`, until the memory is full; others throw
 *   out of the socket's event, which ends the process. `Gate` lets in nothing of that kind.
 * - Unless `bootstrap` is false, it joins the public network.
 * - A node is told of as soon as it has asked something, under any id that it says, and under all of them.
 *   One that cannot be dialed is taken out again, and one machine has a few places in the table (`keepFewOf`).
 * - It answers with its whole table, sorted: 5 KB for 50. Here with as many as a walk wants.
 * - An id in the table is a piece of the packet that it came in, and keeps all of it in memory.
 * - What others announce is hardly bounded (`Values`), and upkeep is too much or too little (`Tender`).
 * - It remembers 1,000 lookups with all their nodes, and BEP 44's values. Drey uses neither.
 * - What is under way when it is destroyed never calls back.
 */
async function openEngine(
  gate: Gate,
  values: Values,
  nodeId: Buffer,
  limits: DhtLimits,
  rarely: Rarely,
  log: Log,
): Promise<Engine> {
  const { default: MainlineEngine } = await import('bittorrent-dht')
  const few = { maxTables: 1, maxValues: 1 }
  const timeout = limits.answerMs
  const engine = new MainlineEngine({ nodeId, bootstrap: false, socket: gate, timeout, ...few })
  engine._peers.destroy()
  engine._peers = values
  const table = engine._rpc.nodes
  const closest = table.closest.bind(table)
  table.closest = (target, count = contactsMax) => closest(target, count)
  table.on('added', (contact) => {
    contact.id = ownBytes(contact.id)
    if (gate.senderCanBeDialed) keepFewOf(table, contact)
    else table.remove(contact.id)
  })
  table.on('updated', (_, contact) => {
    contact.id = ownBytes(contact.id)
  })
  const warn = (error: Error) =>
    rarely.say(error.message.replace(/\d+/g, ''), () => {
      log.debug('the engine of the DHT wonders', { why: messageOf(error) })
    })
  engine.on('warning', warn)
  engine.on('error', warn) // A port that is taken: `listen` says so.
  return engine
}

/** At one address is one node, the last that said so; and one machine has few. */
function keepFewOf(table: Table, { id, host, port }: Contact): void {
  const others = table.toArray().filter((one) => one.host === host && !one.id.equals(id))
  const before = others.find((one) => one.port === port)
  if (before !== undefined) table.remove(before.id)
  else if (others.length >= contactsPerHost) table.remove(id)
}

/** Resolves when packets are heard. */
async function listen(engine: Engine, gate: Gate, port: number, host: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  gate.on('listening', resolve)
  gate.on('error', reject)
  engine.listen(port, host)
  try {
    await promise
    engine.removeBucketCheckInterval()
  } catch (cause) {
    const why = messageOf(cause)
    await new Promise<void>((done) => engine.destroy(done))
    throw new DreyError('unreachable', `the DHT cannot listen at UDP ${host}:${port}: ${why}`, {
      cause,
    })
  } finally {
    gate.off('error', reject)
  }
}

function ipv4Host(host = '0.0.0.0'): string {
  if (host === '::') return '0.0.0.0'
  if (isIPv6(host)) {
    throw new DreyError('bad-input', `the DHT speaks IPv4 alone, and this node listens at ${host}`)
  }
  return host
}
