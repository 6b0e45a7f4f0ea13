import { DreyError } from '../base/error.ts'
import type { Bytes } from '../base/bytes.ts'
import type { NodeStatus } from '../gateway/status.ts'
import type { Leaving } from '../gateway/leave.ts'
import type { DrainProgress } from '../node/drain.ts'
import { followLines } from '../gateway/ask.ts'
import { formatSize, note, say, type Global } from './output.ts'
import { planCommand } from './plan.ts'
import { Progress } from './progress.ts'
import { ask, openVisit, readReply } from './visit.ts'

export interface LeaveCommand extends Global {
  readonly now?: boolean
  readonly dryRun?: boolean
}

/** `drey leave [--now] [--dry-run]` */
export async function leaveCommand(options: LeaveCommand, signal: AbortSignal): Promise<void> {
  if (options.dryRun) return planLeaving(options, signal)
  await using visit = await openVisit(options)
  const query = new URLSearchParams(options.now ? { now: '' } : {})
  const reply = await ask(visit.door, 'POST', '/leave', { query, signal })
  const { left, report } = await shown(reply.body, options)
  const { sent = 0, sentBytes = 0, there = 0, failed = 0 } = report ?? {}
  if (left) {
    const handed = `${sent} shards handed over (${formatSize(sentBytes)}), ${there} were there already`
    const words = report ? handed : 'nothing was handed over'
    say(options, { left, report }, `left the swarm: ${words}`)
    note(options, 'the node has stopped; started again, it is a member as before')
    return
  }
  if (options.json) say(options, { left, report }, '')
  for (const { block, index, why } of report?.failures.slice(0, 10) ?? []) {
    note(options, `  block ${block}, shard ${index}: ${why}`)
  }
  throw new DreyError(
    'not-enough-members',
    `${failed} shards are here alone, and the node has not left: it takes no new ones. ` +
      'Bring more members, or room at them, and leave again; or leave without them: drey leave --now',
  )
}

async function shown(body: Bytes, options: LeaveCommand): Promise<Leaving> {
  using bar = new Progress(options, 'leaving')
  let told = 0
  return await followLines<DrainProgress, Leaving>(body, ({ sentBytes }) => {
    bar.add(sentBytes - told)
    told = sentBytes
  })
}

async function planLeaving(options: LeaveCommand, signal: AbortSignal): Promise<void> {
  await using visit = await openVisit(options)
  const reply = await ask(visit.door, 'GET', '/status', { signal })
  const { id } = await readReply<NodeStatus>(reply)
  await planCommand({ ...options, without: [id], sudden: options.now }, signal)
}
