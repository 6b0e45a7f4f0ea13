import { formatAddress } from '../address/address.ts'
import { DreyError } from '../base/error.ts'
import type { FindReply } from '../gateway/blobs.ts'
import { say, type Global } from './output.ts'
import { parseReference, resolveBlob } from '../gateway/reference.ts'
import { formatTable } from './table.ts'
import { ask, openVisit, readReply } from './visit.ts'

const layerNames = {
  placement: 'placement (computed from the address)',
  broadcast: 'broadcast (everyone connected)',
  dht: 'DHT (published roots)',
} as const

/** `drey find ADDRESS` */
export async function findCommand(
  name: string,
  options: Global,
  signal: AbortSignal,
): Promise<void> {
  const reference = parseReference(name)
  await using visit = await openVisit(options)
  const { address } = await resolveBlob(visit.door, reference, { signal })
  const reply = await ask(visit.door, 'GET', `/find/${formatAddress(address)}`, { signal })
  const found = await readReply<FindReply>(reply)
  say(options, found, describe(found))
  const isHeld = found.layers.some(({ replies }) => replies.some(({ shards }) => shards.length > 0))
  if (!isHeld) throw new DreyError('not-found', `nobody who was asked has any of ${found.address}`)
}

function describe({ address, layers }: FindReply): string {
  const parts = layers.map(({ layer, tookMs, replies }) => {
    const holders = replies.filter(({ shards }) => shards.length > 0)
    const title = `${layerNames[layer]}: ${holders.length} of ${replies.length} asked hold shards; ${Math.round(tookMs)} ms`
    const rows = replies
      .filter(({ shards, why }) => shards.length > 0 || why !== undefined)
      .map((reply) => [
        `  ${reply.name}`,
        reply.why ?? reply.shards.map(({ index }) => index).join(', '),
        [...new Set(reply.shards.map(({ layout }) => layout.slice(0, 8)))].join(', '),
        `${Math.round(reply.tookMs)} ms`,
        reply.id,
      ])
    if (rows.length === 0) return title
    return `${title}\n${formatTable([['  holder', 'shards', 'layout', 'took', 'id'], ...rows])}`
  })
  return [`block ${address}`, ...parts].join('\n')
}
