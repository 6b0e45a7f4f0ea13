import { formatAddress } from '../address/address.ts'
import { parseLink } from '../address/link.ts'
import type { RemoveReply } from '../gateway/leases.ts'
import { note, say, type Global } from './output.ts'
import { ask, openVisit, readReply } from './visit.ts'

/** `drey rm ADDRESS` */
export async function removeCommand(
  name: string,
  options: Global,
  signal: AbortSignal,
): Promise<void> {
  const address = formatAddress(parseLink(name).address)
  await using visit = await openVisit(options)
  const reply = await ask(visit.door, 'DELETE', `/blob/${address}`, { signal })
  const removed = await readReply<RemoveReply>(reply)
  say(options, removed, `removed ${address}`)
  const told = removed.told.length > 0 ? removed.told.join(', ') : 'no other member is here'
  note(
    options,
    `told ${told}; its shards go where no other lease covers them, after the grace time`,
  )
}
