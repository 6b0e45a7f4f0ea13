import type { Membership } from '../discovery/membership.ts'
import type { Peer } from '../transport/transporter.ts'

/** Where a connected member can be dialed again: where it comes from may be a port that nobody listens at. */
export function dialableAddress(peer: Peer, membership: Membership | undefined): string {
  const seen = membership?.others().find(({ record }) => record.id === peer.id)
  const addresses = seen?.record.addresses ?? []
  return addresses.includes(peer.address) ? peer.address : (addresses[0] ?? peer.address)
}
