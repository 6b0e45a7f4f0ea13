import { EventEmitter } from 'node:events'
import { formatEndpoint } from '../transport/endpoint.ts'
import { between, seededRandom, type Random } from '../base/random.ts'
import type { DatagramLike, UdpSource } from './udp.ts'

export interface SimulatedUdpOptions {
  readonly seed?: number
  /** One way, each packet for itself: so packets overtake each other. */
  readonly latencyMs?: readonly [least: number, most: number]
  /** The part of packets, in [0, 1], that never arrive. */
  readonly loss?: number
}

/**
 * UDP without a network. Its timers are the global ones, so it runs in whatever time those tell. Counts
 * what is sent.
 */
export class SimulatedUdp {
  readonly #random: Random
  readonly #latencyMs: readonly [number, number]
  readonly #loss: number
  readonly #sockets = new Map<string, SimulatedSocket>()
  readonly #silent = new Set<string>()
  packets = 0
  bytes = 0

  constructor({ seed = 1, latencyMs = [1, 3], loss = 0 }: SimulatedUdpOptions = {}) {
    this.#random = seededRandom(seed)
    this.#latencyMs = latencyMs
    this.#loss = loss
  }

  /** A socket of the machine `host`. */
  socket(host: string): DatagramLike {
    return new SimulatedSocket(this, host)
  }

  /** From now on nothing reaches this address, and nothing comes from it. */
  silence(address: string): void {
    this.#silent.add(address)
  }

  /** The other way of `silence`. */
  wake(address: string): void {
    this.#silent.delete(address)
  }

  isFree(address: string): boolean {
    return !this.#sockets.has(address)
  }

  plug(address: string, socket: SimulatedSocket): void {
    this.#sockets.set(address, socket)
  }

  unplug(address: string): void {
    this.#sockets.delete(address)
  }

  carry(packet: Buffer, from: UdpSource, to: string): void {
    this.packets += 1
    this.bytes += packet.length
    if (this.#random.fraction() < this.#loss) return
    const [least, most] = this.#latencyMs
    setTimeout(
      () => {
        if (this.#silent.has(to) || this.#silent.has(formatEndpoint(from.address, from.port)))
          return
        this.#sockets.get(to)?.emit('message', packet, from)
      },
      between(this.#random, least, most + 1),
    )
  }
}

class SimulatedSocket extends EventEmitter implements DatagramLike {
  readonly #network: SimulatedUdp
  readonly #host: string
  #port = 0

  constructor(network: SimulatedUdp, host: string) {
    super()
    this.#network = network
    this.#host = host
  }

  bind(port: number): void {
    const address = formatEndpoint(this.#host, port)
    if (!this.#network.isFree(address)) {
      const inUse = Object.assign(new Error(`bind EADDRINUSE ${address}`), { code: 'EADDRINUSE' })
      process.nextTick(() => this.emit('error', inUse))
      return
    }
    this.#port = port
    this.#network.plug(address, this)
    process.nextTick(() => this.emit('listening'))
  }

  address(): { readonly port: number } {
    return { port: this.#port }
  }

  send(packet: Uint8Array, offset: number, size: number, port: number, host: string): void {
    const copy = Buffer.copyBytesFrom(packet, offset, size) // Whoever sends may use its memory again.
    this.#network.carry(copy, { address: this.#host, port: this.#port }, formatEndpoint(host, port))
  }

  close(): void {
    this.#network.unplug(formatEndpoint(this.#host, this.#port))
    process.nextTick(() => this.emit('close'))
  }
}
