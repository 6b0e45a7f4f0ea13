import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Door, DoorReply, DoorRequest } from '../gateway/door.ts'
import { errorReply } from '../gateway/errors.ts'
import type { Names } from '../names/names.ts'
import type { Orchestrator } from '../node/orchestrator.ts'
import { isDreyError } from '../base/error.ts'
import { blobRoutes } from './blobs.ts'
import { Guard } from './guard.ts'
import { loginPage, loginRoutes } from './login.ts'
import { Readings } from './readings.ts'
import { Refusal, refusalReply } from './refusal.ts'
import { findRoute, type Route } from './route.ts'

/** What the door is made of; the daemon puts it together. */
export interface WebParts {
  readonly node: Pick<Orchestrator, 'find' | 'read'>
  readonly names: Pick<Names, 'get'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** Where it stands, and who may come in. */
export interface WebOptions {
  readonly token: string
  /** Where it listens: "127.0.0.1:7480". */
  readonly address: string
  /** Names besides "localhost" that lead here. */
  readonly hosts: readonly string[]
}

/** Of every answer, unless it says otherwise: no other origin shows it, and nobody keeps it. */
const commonHeaders = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const

const targetLengthMax = 4_096 // A path in a folder may be long; what is longer is a mistake.

/**
 * A node's door for every program that speaks HTTP, browsers among them.
 * - What it gives of an address is that content or nothing: an answer that breaks off did not end.
 * - It reveals and changes nothing without the token; see `Guard`.
 * - Any number of slow readers takes little memory, and keeps nobody waiting; see `Readings`.
 */
export function webDoor(parts: WebParts, options: WebOptions): Door {
  const guard = new Guard({ ...options, clock: parts.clock })
  const routes = routesOf(parts, guard)
  return async (request) => {
    const reply = await answer(request, { routes, guard }).catch((error: unknown) =>
      failed(error, request, parts.log),
    )
    return { ...reply, headers: { ...commonHeaders, ...reply.headers } }
  }
}

function routesOf(parts: WebParts, guard: Guard): Route[] {
  return [...blobRoutes({ ...parts, guard, readings: new Readings(parts) }), ...loginRoutes(guard)]
}

async function answer(
  request: DoorRequest,
  { routes, guard }: { routes: readonly Route[]; guard: Guard },
): Promise<DoorReply> {
  const { rawPath = request.path, query } = request
  if (rawPath.length + String(query).length > targetLengthMax) {
    throw new Refusal(414, `a path and its query have at most ${targetLengthMax} characters`)
  }
  guard.admit(request, 'open') // Strangers to this door do not learn what is here.
  const { route, ...found } = findRoute(routes, request)
  const reader = guard.admit(request, route.access)
  return route.answer({ ...found, request, reader })
}

function failed(error: unknown, request: DoorRequest, log: Log): DoorReply {
  if (error instanceof Refusal) {
    const isPerson = /text\/html/.test(request.headers.accept ?? '')
    if (error.status === 401 && isPerson) return loginPage(401, `${request.rawPath}`)
    return refusalReply(error)
  }
  if (isDreyError(error)) return errorReply(error)
  request.signal.throwIfAborted()
  log.error('the HTTP door met a mistake of Drey’s own', { path: request.path, error })
  return errorReply(new Error('a mistake of Drey’s own: the node’s log says more'))
}
