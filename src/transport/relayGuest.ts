import { systemClock, type Clock } from '../base/clock.ts'
import { DreyError, isDreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { within } from './relayWithin.ts'
import * as words from './relayWords.ts'
import type { TlsTransporter } from './tlsTransporter.ts'
import type { Header, Message, Peer, PeerId } from './transporter.ts'

type Dialer = Pick<TlsTransporter, 'dialDoor' | 'connectOver'>

const answerMs = 15_000 // Longer than a relay waits for the other one: it says itself why not.
const comingsMax = 16 // Members that this node meets at relays' doors at a time.

/**
 * Connects to a member that this node cannot dial, through one (`relay`, "host:port") that both can. The
 * peer's address is `relay:` and the relay's id. Throws 'unreachable', 'busy', and as `connect` does.
 */
export async function dialThrough(
  transporter: Dialer,
  { relay, id }: { relay: string; id: PeerId },
  { signal, clock = systemClock }: { signal?: AbortSignal; clock?: Clock } = {},
): Promise<Peer> {
  return meet(transporter, { relay, wish: { to: id }, side: 'client', id, clock, signal })
}

export interface AnswererParts {
  readonly transporter: Dialer
  readonly clock: Clock
  readonly log: Log
}

/**
 * Answers the calls of relays (the operation `relay`), by the header and the relay that sent it, at the
 * address where it is dialed. The answer says that this node will come; it does so in the background, and
 * the log says when that fails. Throws 'protocol', and 'busy' when too many call at once.
 */
export function relayAnswerer({ transporter, clock, log }: AnswererParts) {
  let comings = 0
  return (header: Header, relay: Pick<Peer, 'id' | 'address'>): Message => {
    const { from, pass } = words.decodeCall(header)
    if (comings >= comingsMax) throw new DreyError('busy', 'too many relays call at once')
    comings += 1
    const at = { relay: relay.address, relayId: relay.id, clock }
    meet(transporter, { ...at, wish: { pass }, side: 'server', id: from })
      .catch((error: unknown) => {
        log.info('not met at the relay', { from, relay: relay.id, why: messageOf(error) })
      })
      .finally(() => (comings -= 1))
    return { header: {} }
  }
}

interface Meeting {
  readonly relay: string
  /** Who the relay has to be, where that matters. */
  readonly relayId?: PeerId
  readonly wish: words.Wish
  readonly side: 'client' | 'server'
  readonly id: PeerId
  readonly clock: Clock
  readonly signal?: AbortSignal
}

/** Goes to the relay's door, and speaks with the other one through it. */
async function meet(transporter: Dialer, meeting: Meeting): Promise<Peer> {
  const { relay, relayId, wish, side, id, clock, signal } = meeting
  const { stream, member } = await dialRelay(transporter, relay, signal)
  try {
    if (relayId !== undefined && member.id !== relayId) {
      throw new DreyError('not-a-member', `${relay} is ${member.id}, not the relay that called`)
    }
    words.say(stream, 'request', words.encodeWish(wish))
    const limit = { clock, ms: answerMs, why: `the relay ${relay} did not answer`, signal }
    await within(limit, (inTime) => words.hear(stream, 'response', inTime))
  } catch (error) {
    stream.destroy()
    throw error
  }
  return transporter.connectOver(stream, { side, id, address: `relay:${member.id}`, signal })
}

async function dialRelay(transporter: Dialer, relay: string, signal?: AbortSignal) {
  try {
    return await transporter.dialDoor(relay, words.relayProtocol, { signal })
  } catch (error) {
    const { code = '' } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException
    if (!isDreyError(error) || !code.endsWith('NO_APPLICATION_PROTOCOL')) throw error
    throw new DreyError('unreachable', `${relay} does not offer to relay`, { cause: error })
  }
}
