import type { DrainProgress, DrainReport } from '../node/drain.ts'
import type { Orchestrator } from '../node/orchestrator.ts'
import type { DoorReply, DoorRequest, PartDoor } from './door.ts'
import { errorBody } from './errors.ts'

/** A line of what `POST /leave` answers; the last one has `left`, or an error. */
export type LeaveLine =
  | { readonly progress: DrainProgress }
  | { readonly left: boolean; readonly report: DrainReport | null }
  | ReturnType<typeof errorBody>

const reportEveryMs = 200

/** `POST /leave`, `POST /leave?now`: lines of JSON while shards are handed over. `left` is called at the end. */
export function leaveDoor(node: Orchestrator, left: () => void): PartDoor {
  return (request) => {
    if (request.path !== '/leave' || request.method !== 'POST') return undefined
    const headers = { 'content-type': 'application/x-ndjson' }
    const reply: DoorReply = { status: 200, headers, body: leaving(node, request, left) }
    return Promise.resolve(reply)
  }
}

async function* leaving(
  node: Orchestrator,
  { query, signal }: DoorRequest,
  left: () => void,
): AsyncGenerator<Uint8Array> {
  const line = (value: LeaveLine) => Buffer.from(`${JSON.stringify(value)}\n`)
  let progress: DrainProgress | undefined
  const report = (now: DrainProgress) => void (progress = now)
  const work = node.leave({ isNow: query.has('now'), signal, report })
  const settled = work.then(
    () => true,
    () => true, // Told below.
  )
  while (!(await Promise.race([settled, rest(reportEveryMs)]))) {
    if (progress !== undefined) yield line({ progress })
  }
  try {
    const done = await work
    const isLeft = (done?.failed ?? 0) === 0
    yield line({ left: isLeft, report: done ?? null })
    if (isLeft) left()
  } catch (error) {
    yield line(errorBody(error))
  }
}

function rest(ms: number): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), ms))
}
