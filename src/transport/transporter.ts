/** A node's name: the hash of its public key, as text. */
export type PeerId = string

/**
 * What a certificate says a member may do. Every role may hold shards; readers and issuers have the read
 * secret too, and issuers may invite.
 */
export type Role = 'storage' | 'reader' | 'issuer'

/** Plain data that DAG-CBOR can carry: numbers, texts, bytes, addresses, lists and maps of them. */
export type Header = Record<string, unknown>

/**
 * What one side says to the other: a small header and, at most, one payload (a shard).
 * - Whoever is handed a message calls `release` when the payload is no longer needed: its memory is freed
 *   then, and until then it counts against a window. A handler that throws has released its request. An
 *   answer whose memory the asker chose (`into`) is the asker's from then on, and has no `release`.
 * - The `release` of a message that is sent is called once, when its memory is no longer read, whatever
 *   became of it. So a handler may answer with its request.
 */
export interface Message {
  readonly header: Header
  readonly payload?: Uint8Array
  readonly release?: () => void
}

export interface RequestOptions {
  readonly signal?: AbortSignal
  /**
   * How long an answer may take before the request fails with 'timeout'. Where there is a payload to be
   * waited for (one that is sent, or `into`), the time begins anew as long as payloads move.
   */
  readonly timeoutMs?: number
  /** Chooses where the answer's payload is written: `size` bytes, or `undefined` for new memory. */
  readonly into?: (header: Header, size: number) => Uint8Array | undefined
}

/** A member that this node is connected to. */
export interface Peer {
  readonly id: PeerId
  readonly role: Role
  /** Where it was reached, or where it came from: "host:port". */
  readonly address: string
  /**
   * Asks and waits for the answer. The payload is read until the promise settles, and for no longer.
   * Throws 'timeout', 'unreachable' (the connection is gone), or the error that the other side
   * answered with, by its code. An aborted request tells the other side.
   */
  request(message: Message, options?: RequestOptions): Promise<Message>
  /** Ends the connection; the reason goes into the log. */
  close(reason: string): void
}

/** Answers a peer's request. What it throws is sent as an error answer; `signal` tells that the peer
 * no longer waits. */
export type Handler = (peer: Peer, request: Message, signal: AbortSignal) => Promise<Message>

export interface PeerEvent {
  readonly type: 'up' | 'down'
  readonly peer: Peer
  readonly reason?: string
}

/**
 * Carries messages between members, and admits nobody else. There is at most one connection between
 * two members, used both ways, whoever dialed.
 */
export interface Transporter extends AsyncDisposable {
  readonly id: PeerId
  /** Where others reach this node: "host:port"; empty when it only dials out. */
  readonly address: string
  /** The members connected now. */
  peers(): Peer[]
  /** Connects once, unless a peer is connected under this address. Throws 'unreachable', 'not-a-member' when one
   * of the two does not accept the other, or 'bad-input' for what is no address, or this node's own. */
  connect(address: string, options?: { signal?: AbortSignal }): Promise<Peer>
  /** Connects, and connects again with backoff whenever the connection is lost, until closed. */
  keepConnected(address: string): void
  serve(handler: Handler): void
  /** Tells of members that come and go. Returns how to stop listening. */
  watch(listener: (event: PeerEvent) => void): () => void
  close(): Promise<void>
}
