import { formatAddress } from '../address/address.ts'
import { DreyError } from '../base/error.ts'
import { keyHeader } from '../gateway/blobClient.ts'
import type { CheckAllReply } from '../gateway/check.ts'
import type { Examination, WeakBlock } from '../mend/examine.ts'
import type { Census } from '../mend/progress.ts'
import { followLines } from '../gateway/ask.ts'
import { say, type Global } from './output.ts'
import { formatSeconds, Progress } from './progress.ts'
import { resolveBlob } from '../gateway/reference.ts'
import { formatTable } from './table.ts'
import { ask, openVisit, readReply } from './visit.ts'

export interface CheckCommand extends Global {
  readonly deep?: boolean
}

const shownMax = 10

/** `drey check [ADDRESS] [--deep]` */
export async function checkCommand(
  name: string | undefined,
  options: CheckCommand,
  signal: AbortSignal,
): Promise<void> {
  await using visit = await openVisit(options)
  if (name === undefined) {
    if (options.deep) {
      throw new DreyError('bad-input', 'a deep check is of one blob: drey check ADDRESS --deep')
    }
    const reply = await ask(visit.door, 'GET', '/check', { signal })
    const all = await readReply<CheckAllReply>(reply)
    say(options, all, describeAll(all))
    return judge(all.total)
  }
  const wanted = await resolveBlob(visit.door, name, { signal })
  const query = new URLSearchParams(options.deep ? { deep: '' } : {})
  const path = `/check/${formatAddress(wanted.address)}`
  const reply = await ask(visit.door, 'GET', path, { query, headers: keyHeader(wanted), signal })
  const seen = await shown(reply.body, options)
  say(options, seen, describe(seen))
  if (seen.badShards > 0 && seen.below + seen.lost === 0) {
    throw new DreyError('corrupt', `${seen.badShards} shards are not what their holders say`)
  }
  judge(seen)
}

async function shown(
  body: Parameters<typeof followLines>[0],
  options: CheckCommand,
): Promise<Examination> {
  using bar = new Progress(options, 'checking', {
    format: (count) => `${Math.round(count)} blocks`,
  })
  let told = 0
  return await followLines<number, Examination>(body, (blocks) => {
    bar.add(blocks - told)
    told = blocks
  })
}

/** Throws what a script wants to know: 'not-enough-shards' for lost blocks, 'not-enough-members' for weak ones. */
function judge({ blocks, below, lost }: Census): void {
  if (lost > 0) {
    const how = 'start the members that may have their shards, or put the file again'
    throw new DreyError('not-enough-shards', `${lost} of ${blocks} blocks are lost: ${how}`)
  }
  if (below > 0) {
    const why = `${below} of ${blocks} blocks survive fewer losses than they should`
    throw new DreyError('not-enough-members', `${why}: drey status says what is being done`)
  }
}

function describe(seen: Examination): string {
  const { blocks, below, lost, survives = 0, codes, weak, bad, badShards } = seen
  const coded = Object.entries(codes).map(([code, count]) => `${count} as ${code}`)
  const lines = [
    lost > 0 ? 'it cannot be read now' : `it survives the loss of any ${survives}`,
    `${blocks} blocks: ${blocks - below - lost} as they should be (${coded.join(', ') || 'none'}), ${below} below that, ${lost} lost`,
  ]
  lines.push(...weak.slice(0, shownMax).map(describeWeak))
  if (weak.length > shownMax) lines.push('  and others: --json tells of a hundred')
  if (badShards > 0) lines.push(`${badShards} shards are not what their holders say:`)
  for (const { member, block, index, what } of bad) {
    lines.push(`  ${block}, shard ${index}: ${what} at ${member}`)
  }
  return lines.join('\n')
}

function describeWeak({ block, survives, wanted, mender }: WeakBlock): string {
  if (survives < 0) return `  ${block}  LOST`
  const what = mender ? `${mender} mends it` : 'more takes more members than are here'
  return `  ${block}  survives ${survives}, not ${wanted}; ${what}`
}

function describeAll({ total, members }: CheckAllReply): string {
  const { blocks, below, lost, survives } = total
  const worst =
    survives === undefined
      ? 'nothing is stored'
      : `the worst survives the loss of any ${Math.max(0, survives)}`
  const rows = members.map(({ member, census, waiting, remainingMs, passedAt, why }) => [
    member,
    String(census.blocks),
    String(census.below),
    String(census.lost),
    String(waiting),
    remainingMs === undefined ? '' : formatSeconds(remainingMs / 1000),
    why ?? (passedAt === undefined ? 'still looking' : new Date(passedAt).toISOString()),
  ])
  const head = ['looked after by', 'blocks', 'below', 'lost', 'to mend', 'takes', 'looked at']
  return [
    `${blocks} blocks: ${below} survive fewer losses than they should, ${lost} lost; ${lost > 0 ? 'some cannot be read' : worst}`,
    formatTable([head, ...rows]),
  ].join('\n')
}
