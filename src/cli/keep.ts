import { formatAddress } from '../address/address.ts'
import { keyHeader, type Wanted } from '../gateway/blobClient.ts'
import type { Door } from '../gateway/door.ts'
import type { KeepReply } from '../gateway/leases.ts'
import { parseDuration } from './duration.ts'
import { followLines } from '../gateway/ask.ts'
import { note, say, type Global } from './output.ts'
import { Progress } from './progress.ts'
import { parseReference, resolveBlob } from '../gateway/reference.ts'
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
  const reference = parseReference(name)
  await using visit = await openVisit(options)
  const wanted = await resolveBlob(visit.door, reference, { signal })
  const address = formatAddress(wanted.address)
  const kept = await keepBlob(visit.door, wanted, options, signal)
  say(options, kept, `kept ${address}`)
  note(options, `${kept.blocks} blocks; they stay until you remove them: drey rm ${address}`)
}

/** Leases what is stored already, through a node's door. */
export async function keepBlob(
  door: Door,
  wanted: Wanted,
  options: KeepCommand,
  signal: AbortSignal,
): Promise<KeepReply> {
  const path = `/keep/${formatAddress(wanted.address)}`
  const told = { query: leaseQuery(options), headers: keyHeader(wanted), signal }
  const { body } = await ask(door, 'POST', path, told)
  return shown(body, options)
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
