/** What Drey uses of `bittorrent-dht` 11.0.12, which comes without types. */
declare module 'bittorrent-dht' {
  import type { EventEmitter } from 'node:events'

  namespace Engine {
    interface Contact {
      id: Buffer
      readonly host: string
      readonly port: number
      /** When it was last heard. */
      seen?: number
    }

    interface Reply {
      readonly r: {
        readonly id: Buffer
        readonly nodes?: Buffer
        readonly values?: readonly Buffer[]
        readonly token?: Buffer
      }
    }

    type To = { readonly host: string; readonly port: number; readonly id?: Buffer }
    type Replied = (error: (Error & { code?: unknown }) | null, reply: Reply | null) => void

    interface Query {
      readonly q: 'ping' | 'find_node' | 'get_peers' | 'announce_peer'
      readonly a?: object
    }

    /** The routing table: a `k-bucket` 5.1.0. */
    interface Table extends EventEmitter {
      on(event: 'added', heard: (contact: Contact) => void): this
      on(event: 'updated', heard: (before: Contact, after: Contact) => void): this
      closest(target: Buffer, count?: number): Contact[]
      count(): number
      get(id: Buffer): Contact | null
      remove(id: Buffer): void
      toArray(): Contact[]
    }

    /** Questions and answers: `k-rpc` 5.1.0 over `k-rpc-socket` 1.11.1. */
    interface Rpc extends EventEmitter {
      readonly nodes: Table
      readonly pending: readonly unknown[]
      readonly socket: { readonly inflight: number }
      on(event: 'ping', full: (oldest: Contact[], replace: (gone: Contact) => void) => void): this
      query(to: To, query: Query, replied: Replied): void
    }

    /** What others announced, by the key in hexadecimal: 4 bytes of address and 2 of port. */
    interface Values {
      add(key: string, value: Buffer): void
      get(key: string, count?: number): Buffer[]
      destroy(): void
    }

    interface Options {
      readonly nodeId: Buffer
      readonly bootstrap: false
      /** A `DatagramLike`; an ambient module cannot name it. */
      readonly socket: object
      readonly timeout: number
      readonly maxTables: number
      readonly maxValues: number
    }
  }

  class Engine extends EventEmitter {
    readonly _rpc: Engine.Rpc
    _peers: Engine.Values
    constructor(options: Engine.Options)
    on(event: 'listening', heard: () => void): this
    on(event: 'error' | 'warning', heard: (error: Error) => void): this
    listen(port: number, host: string): void
    removeBucketCheckInterval(): void
    destroy(done: () => void): void
  }

  export = Engine
}
