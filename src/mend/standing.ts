import { isDreyError, messageOf } from '../base/error.ts'
import type { Membership } from '../discovery/membership.ts'
import type { Operations } from '../node/serve.ts'
import type { Header, Peer } from '../transport/transporter.ts'
import { nothingSeen, type Census, type MendProgress } from './progress.ts'

const answerMs = 4_000
const lostMax = 100

/** How the blocks stand that one member looks after, in its own words. */
export interface Standing {
  readonly member: string
  readonly census: Census
  readonly lostBlocks: readonly string[]
  /** Blocks that wait to be mended. */
  readonly waiting: number
  readonly remainingMs?: number
  /** When it last looked at all of them. Absent: it has not yet. */
  readonly passedAt?: number
  /** Why it did not say: then the rest is empty. */
  readonly why?: string
}

/**
 * How all blocks of the swarm stand: each is looked after by one member, so that what they say adds up.
 *
 *     standing {}  → {blocks, below, lost, survives?, lostBlocks, waiting, remainingMs?, passedAt?}
 */
export async function standings(
  membership: Membership,
  own: Standing | undefined,
  signal: AbortSignal,
): Promise<Standing[]> {
  const others = membership.others().filter(({ record }) => record.stage !== 'left')
  const asked = others.map(({ record, peer }) => ask(record.name, peer, signal))
  return [...(own ? [own] : []), ...(await Promise.all(asked))]
}

/** What is known when all is added up. */
export function inAll(standings: readonly Standing[]): Census {
  return standings.reduce<Census>(
    (sum, { census }) => ({
      blocks: sum.blocks + census.blocks,
      below: sum.below + census.below,
      lost: sum.lost + census.lost,
      survives: least(sum.survives, census.survives),
    }),
    nothingSeen,
  )
}

export function standingOf(member: string, progress: MendProgress): Standing {
  const { census, lostBlocks, waiting, remainingMs, passedAt } = progress
  return { member, census, lostBlocks, waiting, remainingMs, passedAt }
}

/** What peers may ask. */
export function standingOperations(progress: () => MendProgress): Operations {
  return {
    async standing() {
      const { census, lostBlocks, waiting, remainingMs, passedAt } = progress()
      const all = { ...census, lostBlocks, waiting, remainingMs, passedAt }
      const said = Object.entries(all).filter(([, value]) => value !== undefined)
      return { header: Object.fromEntries(said) }
    },
  }
}

async function ask(member: string, peer: Peer | undefined, signal: AbortSignal): Promise<Standing> {
  if (peer === undefined) return silent(member, 'it is not here')
  try {
    const message = { header: { op: 'standing' } }
    const answer = await peer.request(message, { signal, timeoutMs: answerMs })
    answer.release?.()
    return decodeStanding(member, answer.header)
  } catch (error) {
    signal.throwIfAborted()
    if (isDreyError(error)) return silent(member, messageOf(error))
    throw error
  }
}

function silent(member: string, why: string): Standing {
  return { member, census: nothingSeen, lostBlocks: [], waiting: 0, why }
}

/** A member may say what it likes: numbers are taken as numbers, and a list is cut. */
function decodeStanding(member: string, header: Header): Standing {
  const count = (value: unknown) => (Number.isSafeInteger(value) ? (value as number) : undefined)
  const { lostBlocks: lost } = header
  const blocks = Array.isArray(lost) ? lost.filter((one) => typeof one === 'string') : []
  return {
    member,
    census: {
      blocks: count(header.blocks) ?? 0,
      below: count(header.below) ?? 0,
      lost: count(header.lost) ?? 0,
      survives: count(header.survives),
    },
    lostBlocks: blocks.slice(0, lostMax),
    waiting: count(header.waiting) ?? 0,
    remainingMs: count(header.remainingMs),
    passedAt: count(header.passedAt),
  }
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
}
