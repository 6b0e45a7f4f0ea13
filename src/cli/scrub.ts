import type { Bytes } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import type { NodeStatus } from '../gateway/status.ts'
import type { ScrubCount, ScrubProgress, ScrubReport } from '../mend/scrubState.ts'
import { followLines } from '../gateway/ask.ts'
import { formatSize, say, type Global } from './output.ts'
import { formatSeconds, Progress } from './progress.ts'
import { ask, openVisit, readReply } from './visit.ts'

export interface ScrubCommand extends Global {
  readonly now?: boolean
}

/** `drey scrub [--now]` */
export async function scrubCommand(options: ScrubCommand, signal: AbortSignal): Promise<void> {
  await using visit = await openVisit(options)
  const status = await ask(visit.door, 'GET', '/status', { signal })
  const { bytes, scrub } = await readReply<NodeStatus>(status)
  if (!options.now) return say(options, scrub, describeScrub(scrub).join('\n'))
  const { body } = await ask(visit.door, 'POST', '/scrub', { signal })
  const report = await shown(body, bytes ?? undefined, options)
  say(options, report, describeReport(report))
  judge(report)
}

async function shown(
  body: Bytes,
  total: number | undefined,
  options: Global,
): Promise<ScrubReport> {
  using bar = new Progress(options, 'reading', { total })
  let told = 0
  return await followLines<ScrubCount, ScrubReport>(body, ({ bytes }) => {
    bar.add(bytes - told)
    told = bytes
  })
}

/** Throws 'corrupt' when something was wrong, so that a script can tell. */
function judge({ rotted, unread }: ScrubCount): void {
  if (rotted + unread === 0) return
  const wrong = [
    ...(rotted > 0 ? [`${rotted} had rotted, were set aside, and are mended by the swarm`] : []),
    ...(unread > 0 ? [`${unread} could not be read: the log says why`] : []),
  ]
  throw new DreyError('corrupt', `of the shards kept here, ${wrong.join('; ')}`)
}

/** How far reading everything is, and what the last whole pass found. */
export function describeScrub({ pass, last }: ScrubProgress): string[] {
  const part = `${Math.floor(pass.part * 100)} % of all read since ${day(pass.startedAt)}`
  const before = last && `all was read by ${day(last.endedAt)}: ${describeCount(last)}`
  return [
    `${part}, the rest by ${day(pass.endsAt)}; ${found(pass)}`,
    before ?? 'not all has been read yet',
  ]
}

function describeReport(report: ScrubReport): string {
  const took = formatSeconds((report.endedAt - report.startedAt) / 1000)
  return `all was read in ${took}: ${describeCount(report)}`
}

function describeCount(count: ScrubCount): string {
  return `${count.shards} shards are right, ${formatSize(count.bytes)}; ${found(count)}`
}

function found({ rotted, unread }: ScrubCount): string {
  const missed = unread > 0 ? `, ${unread} could not be read` : ''
  return `${rotted === 0 ? 'none' : rotted} had rotted${missed}`
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
