import { collect } from '../base/bytes.ts'
import type { PutReply } from '../gateway/blobs.ts'
import type { Door, DoorReply, DoorRequest } from '../gateway/door.ts'
import { jsonReply } from '../gateway/door.ts'
import { Refusal } from './refusal.ts'
import type { Asked, Route } from './route.ts'

const putsMax = 8 // Each keeps a slot of the pool, however slowly it comes.

/** What the node's own doors answer, for whoever has the token. What changes the swarm stays with the local socket. */
export function apiRoutes(inner: Door): Route[] {
  const handedOn = (method: Route['method'], path: string, to = path): Route => ({
    ...{ method, path, access: 'token' },
    answer: ({ request, parts }) => inner({ ...request, method, path: filled(to, parts) }),
  })
  const put = oneOf(putsMax, (request) => putBlob(inner, request))
  return [
    { method: 'PUT', path: '/blob', access: 'token', answer: ({ request }: Asked) => put(request) },
    handedOn('DELETE', '/blob/{address}'),
    handedOn('PUT', '/name/{name}'),
    handedOn('DELETE', '/name/{name}'),
    handedOn('GET', '/api/status', '/status'),
    handedOn('GET', '/api/list', '/list'),
    handedOn('GET', '/api/members', '/members'),
    handedOn('GET', '/api/names', '/names'),
    handedOn('GET', '/api/name/{name}', '/name/{name}'),
    handedOn('GET', '/api/find/{address}', '/find/{address}'),
    handedOn('GET', '/api/check/{address}', '/check/{address}'),
    handedOn('POST', '/api/keep/{address}', '/keep/{address}'),
    handedOn('GET', '/api/events', '/events'),
  ]
}

async function putBlob(inner: Door, request: DoorRequest): Promise<DoorReply> {
  const { status, body } = await inner({ ...request, path: '/blob' })
  const stored = JSON.parse(Buffer.from(await collect(body)).toString('utf8')) as PutReply
  const reply = jsonReply(stored, status)
  return { ...reply, headers: { ...reply.headers, location: `/blob/${stored.address}` } }
}

/** Refuses what is too much at a time: whoever waited would hold a connection and a body for it. */
function oneOf(
  countMax: number,
  work: (request: DoorRequest) => Promise<DoorReply>,
): (request: DoorRequest) => Promise<DoorReply> {
  let count = 0
  return async (request) => {
    if (count >= countMax) {
      throw new Refusal(503, `${countMax} blobs are being stored already`, { 'retry-after': '10' })
    }
    count += 1
    try {
      return await work(request)
    } finally {
      count -= 1
    }
  }
}

function filled(path: string, parts: Asked['parts']): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => parts[name]!)
}
