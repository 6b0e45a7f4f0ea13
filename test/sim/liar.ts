import { formatAddress, type Address } from '../../src/address/address.ts'
import { blake3 } from '../../src/address/blake3.ts'
import { between, type Random } from '../../src/base/random.ts'
import { encodeLayout, type Layout } from '../../src/coding/layout.ts'
import type { Held } from '../../src/node/holder.ts'
import * as protocol from '../../src/node/protocol.ts'
import type { Handler, Message } from '../../src/transport/transporter.ts'

export interface LiarParts {
  readonly random: Random
  /** Layouts of a block that there are: lies are to be believed. */
  readonly layoutsOf: (block: Address) => Promise<readonly (Layout & { id: string })[]>
}

type Trick = (honest: Handler) => Handler

const often = 0.6 // Who lies always is soon known; some answers are honest.

/** A member that means no good: it boasts of shards, keeps none of those it is given, and makes bytes up. */
export function liar(parts: LiarParts): Trick {
  const tricks: Record<string, Trick> = {
    have: boast(parts),
    survey: boast(parts),
    keep: () => dropIt,
    fetch: spoil(parts),
  }
  return (honest) => async (peer, request, signal) => {
    const trick = tricks[String(request.header.op)]
    const isLying = trick !== undefined && parts.random.fraction() < often
    return (isLying ? trick(honest) : honest)(peer, request, signal)
  }
}

/** Says to have any shard, or none. */
function boast({ random, layoutsOf }: LiarParts): Trick {
  const claim = async (block: Address): Promise<Held[]> => {
    if (random.fraction() < 0.2) return []
    const layouts = await layoutsOf(block)
    return layouts.map(({ id, n }) => ({ layout: id, index: between(random, 0, n) }))
  }
  return () =>
    async (_peer, { header }) => {
      if (header.op === 'have') {
        return { header: protocol.encodeHeld(await claim(protocol.decodeBlock(header))) }
      }
      const claims = protocol.decodeSurvey(header).blocks.map(async (block) => {
        return { held: await claim(block), leases: between(random, 0, 2 ** 32) }
      })
      return { header: protocol.encodeSurveyed(await Promise.all(claims)) }
    }
}

/** What it is given, it says to keep. */
async function dropIt(_peer: unknown, request: Message): Promise<Message> {
  request.release?.()
  return { header: { isNew: true } }
}

/** Changes a byte, shows a layout that decodes to other bytes, or gives another shard than it says. */
function spoil({ random }: LiarParts): Trick {
  return (honest) => async (peer, request, signal) => {
    const answer = await honest(peer, request, signal)
    const { payload, header } = answer
    if (payload === undefined || payload.length === 0) return answer
    const bytes = new Uint8Array(payload)
    answer.release?.()
    const { fetched } = protocol.decodeAnswer(header)
    const { layout, index } = fetched!
    const how = random.fraction()
    if (how < 0.3) return { header: { ...header, index: (index + 1) % layout.n }, payload: bytes }
    bytes[between(random, 0, bytes.length)]! ^= between(random, 1, 256)
    if (how < 0.6) return { header, payload: bytes }
    const shards = layout.shards.map((hash, at) => (at === index ? blake3.hash(bytes) : hash))
    return { header: { ...header, layout: encodeLayout({ ...layout, shards }) }, payload: bytes }
  }
}

/** For logs. */
export function shortOf(block: Address): string {
  return formatAddress(block).slice(-8)
}
