import { collect } from '../base/bytes.ts'
import type { MemberView } from '../gateway/members.ts'
import { formatSize, note, say, type Global } from './output.ts'
import { formatTable } from './table.ts'
import { planCommand } from './plan.ts'
import { ask, openVisit, readReply } from './visit.ts'

/** `drey members`: everyone this node knows of, whether they are there or not. */
export async function membersCommand(options: Global, signal: AbortSignal): Promise<void> {
  await using visit = await openVisit(options)
  const reply = await ask(visit.door, 'GET', '/members', { signal })
  const members = JSON.parse(
    Buffer.from(await collect(reply.body)).toString('utf8'),
  ) as MemberView[]
  say(options, { members }, describe(members))
}

/** `drey evict PEER [--dry-run]` */
export async function evictCommand(
  who: string,
  options: Global & { readonly dryRun?: boolean },
  signal: AbortSignal,
): Promise<void> {
  if (options.dryRun) return planCommand({ ...options, without: [who], sudden: true }, signal)
  await using visit = await openVisit(options)
  const path = `/members/${encodeURIComponent(who)}`
  const reply = await ask(visit.door, 'DELETE', path, { signal })
  const member = await readReply<MemberView>(reply)
  say(options, { evicted: member }, `evicted ${member.name}, ${member.id}`)
  note(options, 'connected members refuse it from now on, others when they next meet any of them;')
  note(options, 'the shards it held are lost to the swarm; what it has read, it keeps')
}

function describe(members: readonly MemberView[]): string {
  const rows = members.map((member) => [
    member.name,
    member.role,
    member.zone || '-',
    member.state,
    member.capacity > 0
      ? `${formatSize(member.free)} of ${formatSize(member.capacity)}`
      : 'holds nothing',
    member.state === 'this' ? '' : way(member, members),
    member.id,
  ])
  return formatTable([['name', 'role', 'zone', 'state', 'free', 'connected', 'id'], ...rows])
}

/** How it is connected, or when it was last heard. */
function way({ connected, heardAt }: MemberView, members: readonly MemberView[]): string {
  if (connected === null) return since(heardAt)
  const relay = /^relay:(.*)$/.exec(connected)?.[1]
  if (relay === undefined) return connected
  return `over ${members.find(({ id }) => id === relay)?.name ?? relay}`
}

/** "heard 3 h ago" */
function since(heardAt: string | null): string {
  if (heardAt === null) return 'never heard'
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(heardAt)) / 1000))
  const [unit, length] =
    seconds < 120
      ? ['s', 1]
      : seconds < 7200
        ? ['min', 60]
        : seconds < 172_800
          ? ['h', 3600]
          : ['d', 86_400]
  return `heard ${Math.round(seconds / Number(length))} ${unit} ago`
}
