import type { KeyObject } from 'node:crypto'
import { EventEmitter } from 'node:events'
import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { Rarely } from '../base/rarely.ts'
import { whyRefused } from './dhtPacket.ts'
import { openPacket, sealPacket } from './dhtSeal.ts'
import type { DatagramLike, UdpSource } from './udp.ts'

export interface GateParts {
  /** Seals packets. */
  readonly key: KeyObject
  /** Whether others can dial this node. */
  readonly canBeDialed: () => boolean
  readonly clock: Clock
  readonly log: Log
}

/** What went through, in both directions. */
export interface Traffic {
  sent: number
  sentBytes: number
  received: number
  receivedBytes: number
  refused: number
}

const packetMax = 1_400 // More comes in pieces, of which any may be lost; ours have at most 900 bytes.

/**
 * Stands between the network and the engine: lets in what a member sent and the engine can bear, and seals
 * what goes out. Whatever else comes is counted and said in the log, rarely.
 */
export class Gate extends EventEmitter implements DatagramLike {
  readonly #inner: DatagramLike
  readonly #parts: GateParts
  readonly #refusals: Rarely
  #isClosed = false
  /** Of the packet that the engine is looking at: whether its sender may be told of to others. */
  senderCanBeDialed = true
  readonly traffic: Traffic = { sent: 0, sentBytes: 0, received: 0, receivedBytes: 0, refused: 0 }

  constructor(inner: DatagramLike, parts: GateParts) {
    super()
    this.#inner = inner
    this.#parts = parts
    this.#refusals = new Rarely(parts.clock)
    inner.on('message', (packet, from) => this.#receive(packet, from))
    inner.on('listening', () => this.emit('listening'))
    inner.on('close', () => this.emit('close'))
    inner.on('error', (error) => this.emit('error', error))
  }

  bind(port: number, host?: string): void {
    this.#inner.bind(port, host)
  }

  address(): { readonly port: number } {
    return this.#inner.address()
  }

  send(message: Uint8Array, offset: number, size: number, port: number, host: string): void {
    if (this.#isClosed) return // The engine still asks a few questions while it stops.
    const { key, canBeDialed } = this.#parts
    const packet = sealPacket(key, message.subarray(offset, offset + size), canBeDialed())
    this.traffic.sent += 1
    this.traffic.sentBytes += packet.length
    this.#inner.send(packet, 0, packet.length, port, host, (error) => {
      if (error) this.#say('a packet could not be sent', messageOf(error), host)
    })
  }

  close(): void {
    this.#isClosed = true
    this.#inner.close()
  }

  #receive(packet: Buffer, from: UdpSource): void {
    if (this.#isClosed) return
    this.traffic.received += 1
    this.traffic.receivedBytes += packet.length
    if (packet.length > packetMax) return this.#refuse('it is too long', from)
    const opened = openPacket(this.#parts.key, packet)
    if (opened === undefined) return this.#refuse('no member of this swarm made it', from)
    const why = whyRefused(opened.message)
    if (why !== undefined) return this.#refuse(why, from)
    this.senderCanBeDialed = opened.canBeDialed
    try {
      this.emit('message', opened.message, from)
    } catch (error) {
      this.#refuse(`the engine failed: ${messageOf(error)}`, from) // One packet less; the rest goes on.
    } finally {
      this.senderCanBeDialed = true
    }
  }

  #refuse(why: string, { address }: UdpSource): void {
    this.traffic.refused += 1
    this.#say('a packet of the DHT was refused', why, address)
  }

  #say(what: string, why: string, host: string): void {
    this.#refusals.say(`${what}: ${why}`, (held) => {
      this.#parts.log.warn(what, { why, host, alike: held })
    })
  }
}
