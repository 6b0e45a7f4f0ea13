import { once } from 'node:events'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { collect, type Bytes } from '../base/bytes.ts'
import { DreyError, messageOf } from '../base/error.ts'
import { request as httpRequest } from '../base/http.ts'
import type { Door, DoorRequest } from './door.ts'
import { errorFrom, type ErrorBody } from './errors.ts'

/** A running node's door, reached through its local socket. Error replies are thrown. */
export function socketDoor(path: string): Door {
  return async (request) => {
    const outgoing = httpRequest({
      socketPath: path,
      method: request.method,
      path: `${encodedPath(request.path)}?${request.query}`,
      headers: request.headers,
      signal: request.signal,
    })
    const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
    // The node may answer before it has read everything: a refusal ends the sending.
    const sending = send(request, outgoing)
    sending.catch(() => {}) // Told below, by whichever ends first.
    const [incoming] = await Promise.race([answered, sending.then(() => answered)]).catch(
      (cause: unknown) => {
        request.signal.throwIfAborted()
        if (cause instanceof DreyError) throw cause
        throw unreachable('the node does not answer', cause)
      },
    )
    const body = toItsEnd(incoming, request.signal)
    if (incoming.statusCode! >= 400) {
      const error = await readError(body, incoming)
      outgoing.destroy() // What was not sent yet is of no use, and would be waited for.
      throw error
    }
    if (request.method === 'HEAD') incoming.resume() // It has no body: the connection is free for others.
    return {
      status: incoming.statusCode!,
      headers: incoming.headers as Record<string, string>,
      body,
      trailers: () => incoming.trailers as Record<string, string>,
    }
  }
}

/** A name may have a "?" or a "#": here they divide nothing. */
function encodedPath(path: string): string {
  return encodeURI(path).replace(/[?#]/g, encodeURIComponent)
}

async function send({ body, signal }: DoorRequest, outgoing: ClientRequest): Promise<void> {
  try {
    for await (const chunk of body) {
      signal.throwIfAborted()
      await new Promise<void>((resolve, reject) => {
        outgoing.write(chunk, (error) => (error ? reject(error) : resolve()))
      })
    }
    outgoing.end()
  } catch (error) {
    outgoing.destroy(error as Error)
    throw error
  }
}

/** Throws 'unreachable' when the node ends before its answer does. */
async function* toItsEnd(incoming: IncomingMessage, signal: AbortSignal): Bytes {
  try {
    yield* incoming as Bytes
  } catch (cause) {
    signal.throwIfAborted()
    throw unreachable('the node has stopped in the middle of its answer', cause)
  }
}

function unreachable(what: string, cause: unknown): DreyError {
  return new DreyError('unreachable', `${what}: ${messageOf(cause)}`, { cause })
}

async function readError(body: Bytes, { statusCode, headers }: IncomingMessage): Promise<Error> {
  const text = Buffer.from(await collect(body)).toString('utf8')
  const said = text || decodeURIComponent(String(headers['drey-error'] ?? '')) // HEAD has no body.
  try {
    return errorFrom(JSON.parse(said) as ErrorBody)
  } catch (cause) {
    const start = text.slice(0, 200)
    return new DreyError('protocol', `the node answered ${statusCode}: ${start}`, { cause })
  }
}
