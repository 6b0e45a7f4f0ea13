import { collect } from '../base/bytes.ts'
import type { NodeStatus } from '../daemon/status.ts'
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
  const { name, id, role, address, code, shards, bytes, free, members } = status
  const lines = [
    `${name} (${role})  ${id}`,
    `reached at   ${address || 'nowhere: it only dials out'}`,
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
