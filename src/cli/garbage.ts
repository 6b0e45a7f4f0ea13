import type { Garbage, GarbageReport } from '../mend/collect.ts'
import { followLines } from '../gateway/ask.ts'
import { formatSize, say, type Global } from './output.ts'
import { Progress } from './progress.ts'
import { ask, openVisit } from './visit.ts'

export interface GarbageCommand extends Global {
  readonly dryRun?: boolean
  readonly adopted?: boolean
}

/** `drey gc [--dry-run] [--adopted]` */
export async function garbageCommand(options: GarbageCommand, signal: AbortSignal): Promise<void> {
  const query = new URLSearchParams()
  if (options.dryRun) query.set('dry', '')
  if (options.adopted) query.set('adopted', '')
  await using visit = await openVisit(options)
  const { body } = await ask(visit.door, 'POST', '/gc', { query, signal })
  const report = await shown(body, options)
  say(options, report, describe(report, options).join('\n'))
}

async function shown(body: AsyncIterable<Uint8Array>, options: Global): Promise<GarbageReport> {
  using bar = new Progress(options, 'removing')
  let told = 0
  return await followLines<Garbage, GarbageReport>(body, ({ bytes }) => {
    bar.add(bytes - told)
    told = bytes
  })
}

function describe(
  { removed, waiting, adopted }: GarbageReport,
  { dryRun }: GarbageCommand,
): string[] {
  const amount = ({ blocks, bytes }: { blocks: number; bytes: number }) =>
    `${blocks} blocks, ${formatSize(bytes)}`
  return [
    `${dryRun ? 'would remove' : 'removed'} ${amount(removed)} that nobody wants`,
    `${amount(waiting)} wait until their grace time is over`,
    ...(adopted.blocks > 0
      ? [
          `${amount(adopted)} are kept though nobody has leased them (drey gc --adopted lets them go)`,
        ]
      : []),
  ]
}
