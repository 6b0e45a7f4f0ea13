/** Where a packet came from. */
export interface UdpSource {
  readonly address: string
  readonly port: number
}

/**
 * A UDP socket, as far as the DHT uses one: what `node:dgram` and the simulator have in common. A packet
 * that was sent may arrive, or not; `send` never throws for what happens to it on the way.
 */
export interface DatagramLike {
  on(event: 'message', heard: (packet: Buffer, from: UdpSource) => void): this
  on(event: 'listening' | 'close', happened: () => void): this
  on(event: 'error', failed: (error: Error) => void): this
  bind(port: number, host?: string): void
  address(): { readonly port: number }
  send(
    packet: Uint8Array,
    offset: number,
    size: number,
    port: number,
    host: string,
    sent?: (error: Error | null) => void,
  ): void
  close(): void
}
