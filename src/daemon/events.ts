import type { Clock } from '../base/clock.ts'
import type { DreyEvent } from '../gateway/events.ts'
import type { MemberView } from '../gateway/members.ts'
import type { MendProgress } from '../mend/progress.ts'
import type { RotNews } from '../store/rotNews.ts'
import type { ShardName } from '../store/store.ts'

const lookMs = 250 // Soon enough for people; while nobody listens, nothing is looked at.
const rotMax = 1_000 // Of shards that wait to be told; `scrub` in the status counts all.

export interface EventParts {
  readonly members: () => readonly MemberView[]
  /** Absent at a node that looks after nothing. */
  readonly mend: () => MendProgress | undefined
  readonly rot: RotNews
  readonly clock: Clock
}

/**
 * First what is, then what changes, until `signal` aborts. What is told is the difference to what was told
 * before: whoever listens slowly misses what came and went meanwhile, and memory does not grow.
 */
export async function* eventsOf(
  { members, mend, rot, clock }: EventParts,
  signal: AbortSignal,
): AsyncGenerator<DreyEvent> {
  const rotted: ShardName[] = []
  const deaf = rot.listen((name) => {
    if (rotted.length < rotMax) rotted.push(name)
  })
  const known = new Map<string, MemberView>()
  let toldMend = ''
  try {
    for (;;) {
      yield* differences(known, members())
      for (const { block, index } of rotted.splice(0)) {
        yield { type: 'rot', block: String(block), index }
      }
      const progress = mend()
      const essence = progress === undefined ? '' : essenceOf(progress)
      if (progress !== undefined && essence !== toldMend) yield { type: 'mend', mend: progress }
      toldMend = essence
      await clock.sleep(lookMs, signal)
    }
  } finally {
    deaf()
  }
}

/** Who is not as `known` has it; afterwards it has. */
function differences(known: Map<string, MemberView>, members: readonly MemberView[]): DreyEvent[] {
  const here = new Set(members.map(({ id }) => id))
  const gone = [...known.values()].filter(({ id }) => !here.has(id))
  for (const { id } of gone) known.delete(id)
  const changed = members.filter((member) => {
    const before = known.get(member.id)
    return before === undefined || sayingOf(before) !== sayingOf(member)
  })
  for (const member of changed) known.set(member.id, member)
  return [
    ...gone.map((member) => ({ type: 'gone', member }) as const),
    ...changed.map((member) => ({ type: 'member', member }) as const),
  ]
}

/** Without what is new at every look. */
function sayingOf(member: MemberView): string {
  return JSON.stringify({ ...member, free: 0, heardAt: '' })
}

/** Without what only says that it goes on. */
function essenceOf({
  census,
  waiting,
  mended,
  recoded,
  handedOver,
  removed,
  failed,
}: MendProgress) {
  return JSON.stringify({ census, waiting, mended, recoded, handedOver, removed, failed })
}
