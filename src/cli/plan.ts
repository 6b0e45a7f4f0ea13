import type { PlanReply } from '../gateway/plan.ts'
import { formatSize, parseSize, say, type Global } from './output.ts'
import { formatSeconds } from './progress.ts'
import { formatTable } from './table.ts'
import { ask, openVisit, readReply } from './visit.ts'

export interface PlanCommand extends Global {
  readonly without?: readonly string[]
  readonly sudden?: boolean
  readonly capacity?: string
  readonly code?: string
}

const movesShown = 20

/** `drey plan`, and `--dry-run` of what changes the swarm's shape. */
export async function planCommand(options: PlanCommand, signal: AbortSignal): Promise<void> {
  await using visit = await openVisit(options)
  const { without = [], sudden, capacity, code } = options
  const query = new URLSearchParams()
  for (const member of without) query.append('without', member)
  if (sudden) query.set('sudden', '')
  if (capacity !== undefined) query.set('capacity', String(parseSize(capacity)))
  if (code !== undefined) query.set('code', code)
  const reply = await ask(visit.door, 'GET', '/plan', { query, signal })
  const plan = await readReply<PlanReply>(reply)
  say(options, plan, describe(plan))
}

function describe(plan: PlanReply): string {
  const { blocks, recoded, moves, movedBytes, takesMs, bytesPerSecond, silent } = plan
  const { meanwhile = 0, afterwards = 0 } = plan
  const rate = `${formatSize(bytesPerSecond)}/s`
  const lines = [
    `${formatSize(movedBytes)} would move, for ${blocks} blocks, ${recoded} of them coded anew`,
    `it would take about ${formatSeconds(takesMs / 1000)}, at ${rate} from each member, an eighth of it while people wait`,
    meanwhile < 0
      ? 'some blocks would be LOST'
      : `meanwhile the block worst off survives the loss of any ${meanwhile}, afterwards of any ${afterwards}`,
    ...(silent > 0 ? [`${silent} members did not say: it may be more`] : []),
  ]
  if (moves.length === 0) return lines.join('\n')
  const rows = moves
    .slice(0, movesShown)
    .map(({ from, to, bytes }) => [from, to, formatSize(bytes)])
  const more = moves.length > movesShown ? ['and others: --json has them all'] : []
  return [...lines, formatTable([['from', 'to', 'bytes'], ...rows]), ...more].join('\n')
}
