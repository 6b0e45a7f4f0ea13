import { DreyError } from '../base/error.ts'
import type { Membership, Seen } from '../discovery/membership.ts'
import type { MembersParts, MemberView } from '../gateway/members.ts'
import { takingOver, type TakeOverParts } from '../names/takeOver.ts'

/** What `drey members` and `drey evict` see and do. */
export function membersParts(membership: Membership, names: TakeOverParts): MembersParts {
  const list = () => listOf(membership)
  return {
    list,
    async evict(who) {
      const member = memberCalled(who, list())
      await takingOver(member.id, names, () => membership.evict(member.id))
      return member
    },
  }
}

/** This node first, then the others by their names. */
export function listOf(membership: Membership): MemberView[] {
  const own = {
    record: membership.own,
    state: 'live',
    peer: undefined,
    heardAt: Date.now(),
  } as const
  return [
    { ...viewOf(own), state: 'this' },
    ...membership
      .others()
      .map(viewOf)
      .sort((a, b) => a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1)),
  ]
}

/** A member by its name or the beginning of its id. Throws 'not-found', 'bad-input' when several fit. */
export function memberCalled(who: string, members: readonly MemberView[]): MemberView {
  const matching = members.filter(
    ({ id, name }) => name === who || (who.length >= 4 && id.startsWith(who)),
  )
  const [member, another] = matching
  if (member === undefined) {
    throw new DreyError('not-found', `no member is called "${who}": see drey members`)
  }
  if (another === undefined) return member
  const many = `"${who}" means ${matching.length} members`
  throw new DreyError('bad-input', `${many}: give its id (drey members)`)
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
