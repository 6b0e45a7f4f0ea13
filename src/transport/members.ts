import type { Log } from '../base/log.ts'
import { DreyError } from '../base/error.ts'
import type { Connection } from './connection.ts'
import type { Member } from './identity.ts'
import type { Message, Peer, PeerEvent, PeerId, RequestOptions, Role } from './transporter.ts'

const connectionsPerMemberMax = 3 // The one in use, the one it replaces, and one that died unnoticed.

/**
 * The members that are connected, one peer each. Two members that dial each other at once have two
 * connections for a moment: the one whose id is smaller keeps the newest and retires the others; the other
 * follows. So both agree, what is under way ends in peace, and nobody sees more than one peer.
 */
export class Members {
  readonly #own: PeerId
  readonly #log: Log
  readonly #peers = new Map<PeerId, MemberPeer>()
  readonly #listeners = new Set<(event: PeerEvent) => void>()

  constructor(own: PeerId, log: Log) {
    this.#own = own
    this.#log = log
  }

  /** Takes a greeted connection in. */
  adopt(connection: Connection, member: Member, address: string): Peer {
    const known = this.#peers.get(member.id)
    const peer = known ?? new MemberPeer(member.id)
    this.#peers.set(member.id, peer)
    const older = peer.add({ connection, role: member.role, address })
    if (this.#own < member.id) for (const old of older) void old.retire('another took its place')
    older[connectionsPerMemberMax - 1]?.close('too many connections of one member')
    void connection.ended.then((reason) => this.#lost(peer, connection, reason))
    if (known === undefined) this.#tell({ type: 'up', peer })
    return peer
  }

  peers(): Peer[] {
    return [...this.#peers.values()]
  }

  watch(listener: (event: PeerEvent) => void): () => void {
    const mine = (event: PeerEvent) => listener(event)
    this.#listeners.add(mine)
    return () => void this.#listeners.delete(mine)
  }

  close(reason: string): void {
    for (const peer of this.#peers.values()) peer.close(reason)
  }

  #lost(peer: MemberPeer, connection: Connection, reason: string): void {
    if (!peer.remove(connection)) return
    this.#peers.delete(peer.id)
    this.#tell({ type: 'down', peer, reason })
  }

  #tell(event: PeerEvent): void {
    const { type, peer, reason } = event
    this.#log.info(`member ${type}`, { peer: peer.id, address: peer.address, reason })
    for (const listener of this.#listeners) listener(event)
  }
}

interface Way {
  readonly connection: Connection
  readonly role: Role
  readonly address: string
}

/** A member, over whichever connection there is to it. */
class MemberPeer implements Peer {
  readonly id: PeerId
  /** Newest first. */
  #ways: Way[] = []
  /** The last one used: what role and address were, after the last connection is gone. */
  #current!: Way

  constructor(id: PeerId) {
    this.id = id
  }

  get role(): Role {
    return this.#current.role
  }

  get address(): string {
    return this.#current.address
  }

  /** Returns the connections that it joins, newest first. */
  add(way: Way): Connection[] {
    const older = this.#ways.map(({ connection }) => connection)
    this.#ways.unshift(way)
    this.#current = way
    return older
  }

  /** Whether that was the last. */
  remove(connection: Connection): boolean {
    this.#ways = this.#ways.filter((way) => way.connection !== connection)
    this.#current = this.#ways[0] ?? this.#current
    return this.#ways.length === 0
  }

  async request(message: Message, options?: RequestOptions): Promise<Message> {
    const way = this.#ways.find(({ connection }) => connection.open)
    if (way !== undefined) return way.connection.request(message, options)
    message.release?.()
    throw new DreyError('unreachable', `${this.id} at ${this.address} is not connected`)
  }

  close(reason: string): void {
    for (const { connection } of this.#ways) connection.close(reason)
  }
}
