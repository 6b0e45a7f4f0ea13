import { timingSafeEqual } from 'node:crypto'
import { blake3 } from '../address/blake3.ts'
import { concat } from '../base/bytes.ts'

/**
 * What stands behind a message in its packet, so that outsiders are not heard: one byte, 1 when whoever
 * sends can be dialed and 0 when not; then 16 bytes of BLAKE3 of all before it, keyed by the swarm.
 */
const tagBytes = 16
const trailerBytes = 1 + tagBytes

export interface Opened {
  readonly message: Buffer
  readonly canBeDialed: boolean
}

export function sealPacket(key: Uint8Array, message: Uint8Array, canBeDialed: boolean): Uint8Array {
  const body = concat([message, Uint8Array.of(canBeDialed ? 1 : 0)])
  return concat([body, tagOf(key, body)])
}

/** `undefined` when no member made this packet. */
export function openPacket(key: Uint8Array, packet: Buffer): Opened | undefined {
  const size = packet.length - trailerBytes
  if (size < 1) return undefined
  const body = packet.subarray(0, size + 1)
  if (!timingSafeEqual(packet.subarray(size + 1), tagOf(key, body))) return undefined
  return { message: packet.subarray(0, size), canBeDialed: packet[size] === 1 }
}

function tagOf(key: Uint8Array, body: Uint8Array): Uint8Array {
  return blake3.keyed(key, body).subarray(0, tagBytes)
}
