import type { Clock } from '../base/clock.ts'
import { isDreyError } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { jsonReply, type Door, type DoorReply, type DoorRequest } from '../gateway/door.ts'
import { errorReply } from '../gateway/errors.ts'
import type { Names } from '../names/names.ts'
import type { Orchestrator } from '../node/orchestrator.ts'
import { apiRoutes } from './api.ts'
import { blobRoutes } from './blobs.ts'
import { blockRoutes } from './blocks.ts'
import { nothing } from './file.ts'
import { Guard } from './guard.ts'
import { healthRoutes } from './health.ts'
import { loginPage, loginRoutes } from './login.ts'
import { metricsRoutes } from './metrics.ts'
import { openApi } from './openapi.ts'
import { Readings } from './readings.ts'
import { Refusal, refusalReply } from './refusal.ts'
import { findRoute, type Route } from './route.ts'
import { Tally } from './tally.ts'

/** What the door is made of; the daemon puts it together. */
export interface WebParts {
  readonly node: Pick<Orchestrator, 'find' | 'read' | 'block'>
  /** The node's own doors. */
  readonly inner: Door
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
  /** Of Drey. */
  readonly version: string
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
  const tally = new Tally()
  const routes = routesOf(parts, { ...options, guard, tally })
  return async (request) => {
    let route: Route | undefined
    const asked = () => {
      if (targetLength(request) > targetLengthMax) {
        throw new Refusal(414, `a path and its query have at most ${targetLengthMax} characters`)
      }
      guard.admit(request, 'open') // Strangers to this door do not learn what is here.
      const found = findRoute(routes, request)
      route = found.route
      return route.answer({ ...found, request, reader: guard.admit(request, route.access) })
    }
    const reply = await Promise.try(asked).catch((error: unknown) =>
      failed(error, request, parts.log),
    )
    tally.count(request.method, route?.path ?? 'none', reply.status)
    const body = request.method === 'HEAD' ? nothing() : reply.body
    return { ...reply, body, headers: { ...commonHeaders, ...reply.headers } }
  }
}

/** Everything that is here. */
export function routesOf(
  parts: WebParts,
  { guard, tally, version }: { guard: Guard; tally: Tally; version: string },
): Route[] {
  const readings = new Readings(parts)
  const { random, names, inner, clock } = parts
  const description = async () => jsonReply(openApi(version))
  return [
    ...blobRoutes({ readings, names, guard, random }),
    ...blockRoutes({ readings, random }),
    ...loginRoutes({ guard, clock }),
    ...apiRoutes(inner),
    ...healthRoutes(inner),
    ...metricsRoutes({ inner, tally, readers: () => readings.readers }),
    { method: 'GET', path: '/openapi.json', access: 'open', answer: description },
  ]
}

function targetLength({ path, rawPath = path, query }: DoorRequest): number {
  return rawPath.length + String(query).length
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
