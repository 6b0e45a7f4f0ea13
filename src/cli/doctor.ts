import { DreyError, messageOf } from '../base/error.ts'
import { checkFolder, type Finding } from '../daemon/checkup.ts'
import { dataFolder } from '../daemon/folder.ts'
import { socketDoor } from '../gateway/client.ts'
import type { CheckAllReply } from '../gateway/check.ts'
import type { Door } from '../gateway/door.ts'
import { answers } from '../gateway/http.ts'
import type { MemberView } from '../gateway/members.ts'
import type { NodeStatus } from '../gateway/status.ts'
import { say, type Global } from './output.ts'
import { ask, readReply } from './visit.ts'

/** `drey doctor` */
export async function doctorCommand(options: Global, signal: AbortSignal): Promise<void> {
  const folder = dataFolder(options.data)
  const found = await checkFolder(folder, Date.now())
  if (await answers(folder.socket))
    found.push(...(await checkNode(socketDoor(folder.socket), signal)))
  else {
    const advice =
      'drey start: only a running node is a member, mends, and can be asked for the rest'
    found.push({
      what: 'node',
      state: 'warning',
      seen: 'no node is running on this folder',
      advice,
    })
  }
  const bad = found.filter(({ state }) => state === 'bad')
  say(options, { isWell: bad.length === 0, findings: found }, found.map(describe).join('\n'))
  if (bad.length === 0) return
  const all = bad.map(({ what }) => what).join(', ')
  throw new DreyError('corrupt', `not well: ${all}; what to do stands beside each`)
}

function describe({ what, state, seen, advice }: Finding): string {
  const mark = { ok: 'ok  ', warning: 'warn', bad: 'BAD ' }[state]
  const lines = [`${mark}  ${what.padEnd(12)} ${seen}`]
  if (advice !== undefined) lines.push(`${' '.repeat(19)}→ ${advice}`)
  return lines.join('\n')
}

async function checkNode(door: Door, signal: AbortSignal): Promise<Finding[]> {
  const get = async <T>(path: string) => readReply<T>(await ask(door, 'GET', path, { signal }))
  try {
    const status = await get<NodeStatus>('/status')
    const members = await get<MemberView[]>('/members')
    const { total } = await get<CheckAllReply>('/check')
    return [checkMembers(members), checkReach(status), checkBlocks(total), checkScrub(status)]
  } catch (error) {
    const advice = 'see its log; if it does not answer at all, start it again'
    return [{ what: 'node', state: 'bad', seen: messageOf(error), advice }]
  }
}

/** Whether anybody is there. */
export function checkMembers(members: readonly MemberView[]): Finding {
  const others = members.filter(({ state }) => state !== 'this' && state !== 'left')
  const live = others.filter(({ state }) => state === 'live' || state === 'leaving')
  const what = 'members'
  const seen = `${live.length} of ${others.length} others are here`
  if (others.length === 0) {
    const advice = 'what one machine holds is lost with it: drey invite another'
    return { what, state: 'warning', seen: 'this node is the only member', advice }
  }
  if (live.length === others.length) return { what, state: 'ok', seen }
  const away = others.filter((one) => !live.includes(one)).map(({ name }) => name)
  const advice = `start ${away.join(', ')}; or, for those that are gone for good, drey evict`
  return { what, state: live.length === 0 ? 'bad' : 'warning', seen, advice }
}

/** Whether others have dialed this node. */
export function checkReach({ reach }: NodeStatus): Finding {
  const { addresses, trials, relays } = reach
  const what = 'reachable'
  const reached = trials.filter(({ why }) => !why)
  if (reached.length > 0) {
    return { what, state: 'ok', seen: `dialed by ${reached.map(({ by }) => by).join(', ')}` }
  }
  const how =
    'forward the port at the router, open it in the firewall, or set "publicAddress" in the config'
  const relayed =
    relays.length > 0 ? `members reach it over ${relays.join(', ')}` : 'nobody relays for it'
  if (addresses.length === 0)
    return { what, state: 'warning', seen: `it only dials out; ${relayed}` }
  if (trials.length === 0) return { what, state: 'ok', seen: 'nobody has tried to dial it yet' }
  const [{ by, why }] = trials as [(typeof trials)[number]]
  const seen = `${by} could not dial it: ${why}; ${relayed}`
  return { what, state: relays.length > 0 ? 'warning' : 'bad', seen, advice: how }
}

/** How the blocks of the swarm stand, as far as members say. */
export function checkBlocks({ blocks, below, lost }: CheckAllReply['total']): Finding {
  const what = 'blocks'
  if (lost > 0) {
    const advice = 'start members that may have their shards, or put the files again: drey check'
    return { what, state: 'bad', seen: `${lost} of ${blocks} are lost`, advice }
  }
  if (below === 0) return { what, state: 'ok', seen: `${blocks}, all as safe as they should be` }
  const seen = `${below} of ${blocks} survive fewer losses than they should`
  return {
    what,
    state: 'warning',
    seen,
    advice: 'they are being mended: drey status says how far that is',
  }
}

/** What reading everything has found. */
export function checkScrub({ scrub: { last } }: NodeStatus): Finding {
  const what = 'scrub'
  if (last === undefined) return { what, state: 'ok', seen: 'the first pass is under way' }
  const { rotted, unread, shards } = last
  const seen = `${shards} shards were read in the last pass, ${rotted} had rotted, ${unread} could not be read`
  if (rotted + unread === 0) return { what, state: 'ok', seen }
  const advice =
    'what rotted was made anew; if there is more next time, the disk is ailing: smartctl -a'
  return { what, state: 'warning', seen, advice }
}
