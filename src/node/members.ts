import type { Connector } from '../discovery/connector.ts'
import type { Membership, Seen } from '../discovery/membership.ts'
import type { MemberRecord } from '../discovery/record.ts'
import type { Peer, PeerId } from '../transport/transporter.ts'
import type { Surveyed } from './holder.ts'
import type { Limits } from './limits.ts'
import type { Member } from './member.ts'
import { RemoteHolder } from './remote.ts'

/** A member's record, as the node uses it. Whoever means to leave offers nothing more. */
export function memberOf(record: MemberRecord): Member {
  const { id, role, name, zone, free, addresses, stage } = record
  const capacity = stage === 'here' ? record.capacity : 0
  return { id, role, name, zone, capacity, free, address: addresses[0] ?? '' }
}

/** The members that can be asked now, as holders: those connected, and those whom asking would connect. */
export class Members {
  readonly #membership: Membership
  readonly #limits: Limits
  readonly #holders = new Map<PeerId, { seen: Seen; holder: Surveyed }>()

  constructor(membership: Membership, limits: Limits) {
    this.#membership = membership
    this.#limits = limits
  }

  holders(): Surveyed[] {
    const live = this.#membership.others().filter(({ state }) => state === 'live')
    const ids = new Set(live.map(({ record }) => record.id))
    for (const id of this.#holders.keys()) if (!ids.has(id)) this.#holders.delete(id)
    return live.map((seen) => this.#holderOf(seen))
  }

  #holderOf(seen: Seen): Surveyed {
    const { record, peer } = seen
    const known = this.#holders.get(record.id)
    if (known?.seen.record === record && known.seen.peer === peer) return known.holder
    const whoever = peer ?? whenConnected(this.#membership.connector, record.id)
    const holder = new RemoteHolder(whoever, memberOf(record), this.#limits)
    this.#holders.set(record.id, { seen, holder })
    return holder
  }
}

/** Connects when something is asked. */
function whenConnected(connector: Connector, id: PeerId): Pick<Peer, 'request'> {
  return {
    async request(message, options) {
      let peer: Peer
      try {
        peer = await connector.reach(id)
      } catch (error) {
        message.release?.()
        throw error
      }
      return peer.request(message, options)
    },
  }
}
