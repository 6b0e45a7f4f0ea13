import { formatAddress } from '../address/address.ts'
import type { RemoveReply } from '../gateway/leases.ts'
import { note, say, type Global } from './output.ts'
import { parseReference, resolveBlob } from '../gateway/reference.ts'
import { ask, openVisit, readReply } from './visit.ts'

/** `drey rm ADDRESS` */
export async function removeCommand(
  name: string,
  options: Global,
  signal: AbortSignal,
): Promise<void> {
  const reference = parseReference(name)
  await using visit = await openVisit(options)
  const address = formatAddress((await resolveBlob(visit.door, reference, { signal })).address)
  const reply = await ask(visit.door, 'DELETE', `/blob/${address}`, { signal })
  const removed = await readReply<RemoveReply>(reply)
  say(options, removed, `removed ${address}`)
  const told = removed.told.length > 0 ? removed.told.join(', ') : 'no other member is here'
  note(
    options,
    `told ${told}; its shards go where no other lease covers them, after the grace time`,
  )
}
