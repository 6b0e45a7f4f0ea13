import { DreyError } from '../base/error.ts'
import type { Membership, Seen } from '../discovery/membership.ts'
import type { MembersParts, MemberView } from '../gateway/members.ts'

/** What `drey members` and `drey evict` see and do. */
export function membersParts(membership: Membership): MembersParts {
  const list = () => [
    {
      ...viewOf({ record: membership.own, state: 'live', peer: undefined, heardAt: Date.now() }),
      state: 'this' as const,
    },
    ...membership
      .others()
      .map(viewOf)
      .sort((a, b) => a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1)),
  ]
  return {
    list,
    async evict(who) {
      const matching = list().filter(
        ({ id, name }) => name === who || (who.length >= 4 && id.startsWith(who)),
      )
      const [member, another] = matching
      if (member === undefined) {
        throw new DreyError('not-found', `no member is called "${who}": see drey members`)
      }
      if (another !== undefined) {
        throw new DreyError(
          'bad-input',
          `"${who}" means ${matching.length} members: give its id (drey members)`,
        )
      }
      await membership.evict(member.id)
      return member
    },
  }
}

function viewOf({ record, state, peer, heardAt }: Seen): MemberView {
  const { id, name, role, zone, addresses, capacity, free, stage } = record
  return {
    ...{ id, name, role, zone, addresses, capacity, free },
    state: stage === 'leaving' && state === 'live' ? 'leaving' : state,
    connected: peer?.address ?? null,
    heardAt: heardAt === 0 ? null : new Date(heardAt).toISOString(),
  }
}
