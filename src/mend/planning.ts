import { isDreyError } from '../base/error.ts'
import { Window } from '../base/flow.ts'
import { checkCode } from '../coding/code.ts'
import type { Circle } from '../node/circle.ts'
import type { Operations } from '../node/serve.ts'
import type { Store } from '../store/store.ts'
import type { Header, Peer } from '../transport/transporter.ts'
import type { Aims } from './aims.ts'
import { assess } from './assess.ts'
import { Planning, type Change, type Plan } from './plan.ts'
import type { Survey } from './survey.ts'
import { batchesOf } from './walk.ts'

const sampleBlocks = 4_096 // Of one member: the rest is as many more of the same.
const batchBlocks = 128
const answerMs = 60_000
const listMax = 4_096

export interface PlanParts {
  readonly circle: Circle
  readonly survey: Survey
  readonly store: Store
  readonly aims: () => Aims
}

/** What a change would take for the blocks that this node looks after. */
export async function planHere(
  change: Change,
  parts: PlanParts,
  signal: AbortSignal,
): Promise<Plan> {
  const { survey, store, aims } = parts
  const planning = new Planning(change)
  let [seen, mine] = [0, 0]
  for await (const batch of batchesOf(store, batchBlocks)) {
    signal.throwIfAborted()
    seen += batch.reduce((sum, { names }) => sum + names.length, 0)
    for (const sighting of await survey.look(
      batch.map(({ block }) => block),
      { signal },
    )) {
      if (assess(sighting, aims()).turn !== 0) continue
      planning.add(sighting.block, sighting, aims())
      mine += 1
    }
    if (mine >= sampleBlocks) break
  }
  const { shards } = await store.usage()
  return planning.outcome(Math.min(1, seen / Math.max(1, shards)))
}

/** What a change would take in all: every member says it of its own blocks. */
export async function planAll(
  change: Change,
  peers: readonly Peer[],
  parts: PlanParts,
  signal: AbortSignal,
): Promise<{ plan: Plan; silent: number }> {
  const asked = peers.map((peer) => ask(change, peer, signal))
  const all = [await planHere(change, parts, signal), ...(await Promise.all(asked))]
  const plans = all.filter((plan) => plan !== undefined)
  return { plan: plans.reduce(sum), silent: all.length - plans.length }
}

/** What peers may ask: `plan {without, isSudden, capacities, code?}` → {blocks, recoded, moves, …}. */
export function planOperations(parts: PlanParts): Operations {
  const turns = new Window(1) // It asks everyone about every block: one at a time.
  return {
    async plan(_peer, { header }, signal) {
      await turns.take(1, signal)
      const plan = await planHere(decodeChange(header), parts, signal).finally(() => turns.give(1))
      const said = Object.entries(plan).filter(([, value]) => value !== undefined)
      return { header: Object.fromEntries<unknown>(said) }
    },
  }
}

async function ask(change: Change, peer: Peer, signal: AbortSignal): Promise<Plan | undefined> {
  const { code, ...rest } = change
  try {
    const message = { header: { op: 'plan', ...rest, ...(code ? { code } : {}) } }
    const answer = await peer.request(message, { signal, timeoutMs: answerMs })
    answer.release?.()
    return decodePlan(answer.header)
  } catch (error) {
    signal.throwIfAborted()
    if (isDreyError(error)) return undefined // It is told how many did not answer.
    throw error
  }
}

function sum(a: Plan, b: Plan): Plan {
  return {
    blocks: a.blocks + b.blocks,
    recoded: a.recoded + b.recoded,
    moves: [...a.moves, ...b.moves],
    meanwhile: least(a.meanwhile, b.meanwhile),
    afterwards: least(a.afterwards, b.afterwards),
  }
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
}

/** What is not as it should be is left out: a plan is only a plan. */
function decodeChange({ without, isSudden, capacities, code }: Header): Change {
  const entries = Object.entries((capacities ?? {}) as Record<string, unknown>)
  const { k, n } = (code ?? {}) as { k?: number; n?: number }
  return {
    without: texts(without),
    isSudden: isSudden === true,
    capacities: Object.fromEntries(
      entries.slice(0, listMax).filter((entry): entry is [string, number] => isCount(entry[1])),
    ),
    code: isCount(k) && isCount(n) ? checkCode({ k, n }) : undefined,
  }
}

function decodePlan({ blocks, recoded, moves, meanwhile, afterwards }: Header): Plan {
  const lists = Array.isArray(moves) ? (moves as unknown[]).slice(0, listMax) : []
  const isMove = (move: unknown): move is [string, string, number] =>
    Array.isArray(move) &&
    typeof move[0] === 'string' &&
    typeof move[1] === 'string' &&
    isCount(move[2])
  return {
    blocks: isCount(blocks) ? blocks : 0,
    recoded: isCount(recoded) ? recoded : 0,
    moves: lists.filter(isMove),
    meanwhile: Number.isSafeInteger(meanwhile) ? (meanwhile as number) : undefined,
    afterwards: Number.isSafeInteger(afterwards) ? (afterwards as number) : undefined,
  }
}

function texts(value: unknown): string[] {
  return Array.isArray(value)
    ? (value as unknown[]).slice(0, listMax).filter((one) => typeof one === 'string')
    : []
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
