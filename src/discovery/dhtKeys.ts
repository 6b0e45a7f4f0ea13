import { createSecretKey, type KeyObject } from 'node:crypto'
import { base32 } from 'multiformats/bases/base32'
import type { Address } from '../address/address.ts'
import { blake3 } from '../address/blake3.ts'
import { DreyError } from '../base/error.ts'
import type { PeerId } from '../transport/transporter.ts'

const keyBytes = 20 // Mainline's.

/** What a swarm's members can compute, and nobody else. */
export interface DhtKeys {
  /** Where the swarm itself is announced. */
  readonly swarm: Buffer
  /** Seals packets: outsiders are not heard. */
  readonly packets: KeyObject
  /** Where a block's address is: 20 bytes that tell those who do not know the swarm nothing. */
  of(block: Address): Buffer
}

/** `swarm` is 32 bytes that every member knows. */
export function dhtKeys(swarm: Uint8Array): DhtKeys {
  const places = blake3.derive('Drey 2026 places in the DHT', swarm)
  const place = (bytes: Uint8Array) => ownBytes(blake3.keyed(places, bytes).subarray(0, keyBytes))
  return {
    swarm: place(Buffer.from('swarm')), // No address begins so: theirs begin with a version.
    packets: createSecretKey(blake3.derive('Drey 2026 packets of the DHT', swarm)),
    of: (block) => place(block.bytes),
  }
}

/** A member's id as the DHT's own: the same 20 bytes. */
export function dhtIdOf(id: PeerId): Buffer {
  const bytes = base32.baseDecode(id)
  if (bytes.length !== keyBytes) throw new DreyError('bad-input', `not the id of a member: "${id}"`)
  return ownBytes(bytes)
}

export function peerIdOfDht(id: Uint8Array): PeerId {
  return base32.baseEncode(id)
}

/**
 * A copy in memory of its own. A Buffer that was cut out of a packet, or that comes from Node's pool, keeps
 * kilobytes alive for as long as somebody remembers its 20 bytes.
 */
export function ownBytes(bytes: Uint8Array): Buffer {
  const own = Buffer.alloc(bytes.length)
  own.set(bytes)
  return own
}
