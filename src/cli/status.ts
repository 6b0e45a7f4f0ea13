import { collect } from '../base/bytes.ts'
import type { NodeStatus, Reachability } from '../daemon/status.ts'
import { formatSize, say, type Global } from './output.ts'
import { ask, openVisit } from './visit.ts'

/** `drey status` */
export async function statusCommand(options: Global, signal: AbortSignal): Promise<void> {
  await using visit = await openVisit(options)
  const reply = await ask(visit.door, 'GET', '/status', { signal })
  const status = JSON.parse(Buffer.from(await collect(reply.body)).toString('utf8')) as NodeStatus
  say(options, status, describe(status))
}

function describe(status: NodeStatus): string {
  const { name, id, role, zone, code, shards, bytes, free, members } = status
  const lines = [
    `${name} (${role}${zone && `, in ${zone}`})  ${id}`,
    `reached at   ${reached(status.reach)}`,
    `holds        ${shards} shards, ${formatSize(bytes)}; room for ${formatSize(free)} more`,
    `a put now    is coded ${code}`,
    `members      ${members.length} connected`,
    ...members.map((member) => {
      const room = member.capacity > 0 ? `${formatSize(member.free)} free` : 'holds nothing'
      return `  ${member.name.padEnd(16)} ${member.role.padEnd(8)} ${member.address.padEnd(22)} ${room}  ${member.id}`
    }),
  ]
  return lines.join('\n')
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
