/** What Drey uses of `multicast-dns` 7.2.5, which comes without types. */
declare module 'multicast-dns' {
  import type { RemoteInfo } from 'node:dgram'
  import type { EventEmitter } from 'node:events'

  namespace multicastDns {
    interface Question {
      readonly name: string
      readonly type: string
    }

    type DnsRecord = { readonly name: string; readonly ttl?: number } & (
      | { readonly type: 'PTR'; readonly data: string }
      | {
          readonly type: 'SRV'
          readonly data: { readonly port: number; readonly target: string }
        }
      | { readonly type: 'TXT'; readonly data: readonly (string | Uint8Array)[] }
    )

    interface Packet {
      readonly questions: readonly Question[]
      readonly answers: readonly DnsRecord[]
      readonly additionals: readonly DnsRecord[]
    }

    interface Options {
      readonly port?: number
      readonly interface?: string
      readonly bind?: string
    }

    type Sent = (error?: Error | null) => void

    interface Engine extends EventEmitter {
      on(event: 'query' | 'response', heard: (packet: Packet, from: RemoteInfo) => void): this
      on(event: 'warning' | 'error', failed: (error: Error) => void): this
      on(event: 'ready', ready: () => void): this
      query(questions: { questions: readonly Question[] }, sent: Sent): void
      respond(answer: Partial<Packet>, sent: Sent): void
      destroy(done: () => void): void
    }
  }

  function multicastDns(options: multicastDns.Options): multicastDns.Engine
  export = multicastDns
}

/** What the tests use of `dns-packet` 5.6, which `multicast-dns` reads and writes packets with. */
declare module 'dns-packet' {
  import type { Packet } from 'multicast-dns'

  export function encode(packet: Partial<Packet> & { readonly type: string }): Uint8Array
}
