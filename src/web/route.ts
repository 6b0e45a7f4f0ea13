import type { DoorReply, DoorRequest } from '../gateway/door.ts'
import { percentDecoded } from '../gateway/http.ts'
import type { Access } from './guard.ts'
import type { Reader } from './readings.ts'
import { Refusal } from './refusal.ts'

/** A request that was let in. */
export interface Asked {
  readonly request: DoorRequest
  readonly reader: Reader
  /** What stands in the path where the route has a name in braces. */
  readonly parts: Readonly<Record<string, string>>
  /** The names of a path behind that, as bytes. */
  readonly below: readonly Uint8Array[]
}

/** What the door answers: described in `openapi.ts` under the same method and path. */
export interface Route {
  /** GET answers HEAD too. */
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** "/blob/{address}/{path}": a part in braces is one name, `{path}` at the end any number of them. */
  readonly path: string
  readonly access: Access
  readonly answer: (asked: Asked) => Promise<DoorReply>
}

/** The route for a request. Throws a refusal with 404, or 405 where another method would do. */
export function findRoute(
  routes: readonly Route[],
  { method, path, rawPath = path }: DoorRequest,
): Omit<Asked, 'request' | 'reader'> & { route: Route } {
  const names = rawPath.split('/').slice(1).map(percentDecoded)
  const there = routes.flatMap((route) => {
    const matched = match(route, names)
    return matched ? [{ route, ...matched }] : []
  })
  if (there.length === 0) throw new Refusal(404, `there is no ${path} here: see /openapi.json`)
  const wanted = method === 'HEAD' ? 'GET' : method
  const found = there.find(({ route }) => route.method === wanted)
  if (found !== undefined) return found
  const methods = there.flatMap(({ route }) =>
    route.method === 'GET' ? ['GET', 'HEAD'] : [route.method],
  )
  const allow = [...new Set(methods)].join(', ')
  throw new Refusal(405, `${path} takes ${allow}`, { allow })
}

function match(
  { path }: Route,
  names: readonly Buffer[],
): Pick<Asked, 'parts' | 'below'> | undefined {
  const wanted = path.split('/').slice(1)
  const hasPath = wanted.at(-1) === '{path}'
  const fixed = hasPath ? wanted.slice(0, -1) : wanted
  if (hasPath ? names.length <= fixed.length : names.length !== fixed.length) return undefined
  const parts: Record<string, string> = {}
  for (const [index, part] of fixed.entries()) {
    const name = names[index]!.toString('utf8')
    const variable = /^\{(\w+)\}$/.exec(part)?.[1]
    if (variable === undefined ? part !== name : name === '') return undefined
    if (variable !== undefined) parts[variable] = name
  }
  return { parts, below: names.slice(fixed.length).filter(({ length }) => length > 0) }
}
