import { formatAddress } from '../address/address.ts'
import { parseLink } from '../address/link.ts'
import type { KeepReply } from '../gateway/leases.ts'
import { parseDuration } from './duration.ts'
import { followLines } from '../gateway/ask.ts'
import { note, say, type Global } from './output.ts'
import { Progress } from './progress.ts'
import { ask, openVisit } from './visit.ts'

export interface KeepCommand extends Global {
  readonly expires?: string
  readonly name?: string
}

/** `drey keep ADDRESS [--expires TIME]` */
export async function keepCommand(
  name: string,
  options: KeepCommand,
  signal: AbortSignal,
): Promise<void> {
  const address = formatAddress(parseLink(name).address)
  const query = leaseQuery(options)
  await using visit = await openVisit(options)
  const { body } = await ask(visit.door, 'POST', `/keep/${address}`, { query, signal })
  const kept = await shown(body, options)
  say(options, kept, `kept ${address}`)
  note(options, `${kept.blocks} blocks; they stay until you remove them: drey rm ${address}`)
}

/** What `--expires` and `--name` mean to a door. */
export function leaseQuery({ expires, name }: Omit<KeepCommand, keyof Global>): URLSearchParams {
  const query = new URLSearchParams(name === undefined ? {} : { name })
  if (expires !== undefined) query.set('lease', String(parseDuration(expires)))
  return query
}

async function shown(body: AsyncIterable<Uint8Array>, options: Global): Promise<KeepReply> {
  using bar = new Progress(options, 'keeping', {
    format: (blocks) => `${Math.round(blocks)} blocks`,
  })
  let told = 0
  return await followLines<number, KeepReply>(body, (blocks) => {
    bar.add(blocks - told)
    told = blocks
  })
}
