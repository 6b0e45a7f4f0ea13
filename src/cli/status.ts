import type { NodeStatus, Reachability } from '../gateway/status.ts'
import type { MendProgress } from '../mend/progress.ts'
import { formatSize, say, type Global } from './output.ts'
import { formatSeconds } from './progress.ts'
import { describeScrub } from './scrub.ts'
import { ask, openVisit, readReply } from './visit.ts'

/** `drey status` */
export async function statusCommand(options: Global, signal: AbortSignal): Promise<void> {
  await using visit = await openVisit(options)
  const reply = await ask(visit.door, 'GET', '/status', { signal })
  const status = await readReply<NodeStatus>(reply)
  say(options, status, describe(status))
}

function describe(status: NodeStatus): string {
  const { name, id, role, zone, code, members } = status
  const lines = [
    `${name} (${role}${zone && `, in ${zone}`})  ${id}`,
    `reached at   ${reached(status.reach)}`,
    `holds        ${held(status)}`,
    `a put now    is coded ${code}`,
    ...(status.mend ? describeMending(status.mend) : []),
    ...describeScrub(status.scrub).map((line) => `scrub        ${line}`),
    ...describeGarbage(status.garbage),
    `members      ${members.length} connected`,
    ...members.map((member) => {
      const room = member.capacity > 0 ? `${formatSize(member.free)} free` : 'holds nothing'
      return `  ${member.name.padEnd(16)} ${member.role.padEnd(8)} ${member.address.padEnd(22)} ${room}  ${member.id}`
    }),
  ]
  return lines.join('\n')
}

function held({ shards, bytes, free }: NodeStatus): string {
  if (shards === null || bytes === null || free === null) return 'what, is still being counted'
  return `${shards} shards, ${formatSize(bytes)}; room for ${formatSize(free)} more`
}

/** Of the blocks of which this node is the first holder: how they stand, and what is being done. */
function describeMending(mend: MendProgress): string[] {
  const { census, pass, waiting, remainingMs, mended, recoded, handedOver, movedBytes } = mend
  const { blocks, below, lost, survives = 0 } = census
  const all = blocks === 0 ? 'no blocks yet' : `${blocks} blocks, coded ${mend.code}`
  const worst = `the worst survives the loss of any ${Math.max(0, survives)}`
  const state = [
    ...(blocks > 0 && lost === 0 ? [worst] : []),
    ...(below > 0 ? [`${below} survive fewer losses than they should`] : []),
    ...(lost > 0 ? [`${lost} LOST: too few shards are left`] : []),
  ]
  const left = remainingMs === undefined ? '' : `, about ${formatSeconds(remainingMs / 1000)} left`
  const work = [
    ...(pass ? [`looking through its shards, ${pass.seen} of ${pass.total}`] : []),
    ...(waiting > 0 ? [`${waiting} blocks wait to be mended${left}`] : []),
    ...(mended + recoded + handedOver > 0
      ? [
          `${mended} mended, ${recoded} coded anew, ${handedOver} shards handed over, ` +
            `${formatSize(movedBytes)} moved since it started`,
        ]
      : []),
  ]
  return [
    `looks after  ${[all, ...state].join('; ')}`,
    ...(work.length > 0 ? [`mending      ${work.join('; ')}`] : []),
  ]
}

/** Nothing, when nothing was removed. */
function describeGarbage({ blocks, bytes }: NodeStatus['garbage']): string[] {
  if (blocks === 0) return []
  const what = `${blocks} blocks that nobody wanted, ${formatSize(bytes)}, since it started`
  return [`removed      ${what}`]
}

/** In one line: whether members can dial this node, and over whom they reach it if not. */
function reached({ addresses, trials, relays }: Reachability): string {
  const over = relays.length > 0 ? `over ${relays.join(', ')}` : 'over nobody: no member relays'
  if (addresses.length === 0) return `nowhere: it only dials out; ${over}`
  const [reached, failed] = [trials.filter(({ why }) => !why), trials.filter(({ why }) => why)]
  const names = (some: typeof trials) => some.map(({ by }) => by).join(', ')
  if (reached.length > 0) return `${reached[0]!.address} (dialed by ${names(reached)})`
  if (failed.length > 0)
    return `nowhere: ${names(failed)} could not dial ${failed[0]!.address}; ${over}`
  return `${addresses.join(', ')} (nobody has tried)`
}
