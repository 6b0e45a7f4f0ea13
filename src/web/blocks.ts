import { formatAddress, parseAddress } from '../address/address.ts'
import type { Random } from '../base/random.ts'
import { fileReply } from './file.ts'
import type { Readings } from './readings.ts'
import { Refusal } from './refusal.ts'
import type { Asked, Route } from './route.ts'

const rawType = 'application/vnd.ipld.raw'

/**
 * `GET /block/CID`: one block as it is kept, sealed, as trustless gateways give it
 * (https://specs.ipfs.tech/http-gateways/trustless-gateway): whoever asks can check it against its address.
 */
export function blockRoutes({ readings, random }: { readings: Readings; random: Random }): Route[] {
  const answer = async ({ request, reader, parts }: Asked) => {
    const address = parseAddress(parts.address!)
    const { query, headers } = request
    const isRaw = (query.get('format') ?? 'raw') === 'raw'
    if (!isRaw || !accepts(headers.accept ?? '*/*')) {
      throw new Refusal(406, `blocks are given as ${rawType} (?format=raw) alone`)
    }
    const blob = await readings.block(address, reader, request.signal)
    const cacheControl = 'public, max-age=31536000, immutable' // Sealed: whoever may not read it, cannot.
    const name = `${formatAddress(address)}.bin`
    return fileReply(request, { blob, type: rawType, name, cacheControl, random })
  }
  return [{ method: 'GET', path: '/block/{address}', access: 'token', answer }]
}

function accepts(accept: string): boolean {
  return accept.split(',').some((one) => {
    const type = one.split(';', 1)[0]!.trim().toLowerCase()
    return [rawType, 'application/*', '*/*', 'application/octet-stream'].includes(type)
  })
}
