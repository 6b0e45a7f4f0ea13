import type { Address } from '../address/address.ts'
import type { PeerId } from '../transport/transporter.ts'

/** A node of the DHT: its id says which member it has to be, which only a handshake can show. */
export interface Near {
  readonly id: PeerId
  readonly address: string
}

/** What the DHT hints at. None of it is true before a handshake has shown it. */
export interface Hints {
  /** Addresses of members that are said to have a published root, as they come. */
  holders(root: Address, options: { signal: AbortSignal }): AsyncIterable<string>
  /** The nodes whose ids are closest to an address, the closest first. */
  nearest(block: Address, options: { count: number; signal: AbortSignal }): Promise<readonly Near[]>
}
