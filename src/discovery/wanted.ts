import { blake3 } from '../address/blake3.ts'
import type { PeerId } from '../transport/transporter.ts'
import type { Seen } from './membership.ts'
import { compareDistance } from './roster.ts'

/**
 * Whom a node stays connected to: everyone, while there are few. In a larger swarm half are the nearest by
 * XOR, so that neighbours know each other, and half a choice that differs from node to node and stays the
 * same: such a graph is connected, and a few steps wide.
 */
export function chooseWanted(own: PeerId, members: readonly Seen[], peersMax: number): PeerId[] {
  if (members.length <= peersMax) return members.map(({ record }) => record.id)
  const ids = members.filter(({ state }) => state !== 'away').map(({ record }) => record.id)
  const near = ids.toSorted((a, b) => compareDistance(own, a, b)).slice(0, peersMax / 2)
  const lot = (id: PeerId) => Buffer.from(blake3.hash(Buffer.from(`${own} ${id}`))).readUInt32BE(0)
  const rest = ids.filter((id) => !near.includes(id)).toSorted((a, b) => lot(a) - lot(b))
  return [...near, ...rest.slice(0, peersMax - near.length)]
}
