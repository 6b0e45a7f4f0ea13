import { once } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as rest } from 'node:timers/promises'
import { freed, type Bytes } from '../base/bytes.ts'
import { DreyError, messageOf } from '../base/error.ts'
import { createServer } from '../base/http.ts'
import type { Log } from '../base/log.ts'
import type { Door, DoorReply, DoorRequest } from './door.ts'
import { errorReply } from './errors.ts'

const lingerMs = 1_000

export interface HttpOptions extends ServerOptions {
  /** Requests that may be open at a time; those beyond are refused as 'busy'. */
  readonly requestsMax?: number
}

/**
 * Carries requests from `node:http` to a door, with backpressure both ways. Whoever asks before sending a body
 * (Expect: 100-continue) is told to when the door begins to read it.
 */
export function httpServer(door: Door, log: Log, options: HttpOptions = {}): Server {
  const { requestsMax = Infinity, ...own } = options
  let open = 0
  const listen = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    open += 1
    const asked = open > requestsMax ? tooMany : door
    carry(asked, incoming, outgoing)
      .catch((error: unknown) => {
        log.debug(`a request ended early: ${messageOf(error)}`, { path: pathOf(incoming) })
        outgoing.destroy()
      })
      .finally(() => (open -= 1))
  }
  const server = createServer(own, listen).on('checkContinue', listen)
  server.requestTimeout = 0 // A put may last for days; a stalled one is the asker's to end.
  return server
}

async function tooMany(): Promise<DoorReply> {
  throw new DreyError('busy', 'too many requests are open here: try again soon')
}

/** Serves a door on a local socket that only this user can open. */
export async function listenLocally(server: Server, path: string): Promise<void> {
  if (await answers(path)) {
    throw new DreyError('busy', `a node is running on this data folder already (${path} answers)`)
  }
  await rm(path, { force: true }) // Left by a node that was killed.
  const listening = once(server, 'listening')
  const before = process.umask(0o177) // The whole process's: only while the socket is made.
  try {
    server.listen(path)
  } finally {
    process.umask(before)
  }
  await listening
  await chmod(path, 0o600)
}

/** Whether somebody listens on a local socket. */
export async function answers(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false // Nobody there, or nothing: the same to whoever wants to speak.
  } finally {
    socket.destroy()
  }
}

async function carry(
  door: Door,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const controller = new AbortController()
  outgoing.on('close', () => {
    if (!outgoing.writableFinished)
      controller.abort(new DreyError('unreachable', 'the asker has gone'))
  })
  let reply: DoorReply
  try {
    if ((incoming.headersDistinct.host?.length ?? 0) > 1) {
      throw new DreyError('bad-input', 'one Host header is enough')
    }
    reply = await door({
      method: incoming.method ?? 'GET',
      ...parseTarget(incoming.url ?? '/'),
      headers: incoming.headers as Record<string, string | undefined>,
      body: freed(bodyOf(incoming, outgoing)),
      signal: controller.signal,
    })
  } catch (error) {
    reply = errorReply(error)
  }
  await send(reply, incoming, outgoing)
}

async function* bodyOf(incoming: IncomingMessage, outgoing: ServerResponse): Bytes {
  if (/^100-continue$/i.test(incoming.headers.expect ?? '')) outgoing.writeContinue()
  yield* incoming as Bytes
}

/** Throws 'bad-input' for what is no path, such as "%" without two digits. */
function parseTarget(text: string): Pick<DoorRequest, 'path' | 'rawPath' | 'query'> {
  try {
    const { pathname, searchParams } = new URL(text, 'http://local')
    return { path: decodePath(pathname), rawPath: pathname, query: searchParams }
  } catch (cause) {
    throw new DreyError('bad-input', `not a path: "${text}"`, { cause })
  }
}

function decodePath(path: string): string {
  if (/%(?![0-9a-f]{2})/i.test(path)) throw new DreyError('bad-input', 'a "%" without two digits')
  return percentDecoded(path).toString('utf8')
}

/** The bytes that a part of a path stands for. */
export function percentDecoded(text: string): Buffer {
  const bytes = text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
  return Buffer.from(bytes, 'latin1') // What URL leaves is ASCII.
}

/** Keys and tokens may stand behind the path: they are not for the log. */
function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0]!
}

async function send(
  reply: DoorReply,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { status, headers, body, trailers } = reply
  // What is not read of a body would have to be, before the connection is of use again.
  if (!incoming.complete) outgoing.setHeader('connection', 'close')
  outgoing.writeHead(
    status,
    trailers ? { ...headers, trailer: 'drey-findings, drey-error' } : headers,
  )
  for await (const chunk of body) {
    // The chunk's memory is used again after this: it waits until the kernel has it.
    await new Promise<void>((resolve, reject) => {
      const gone = () => reject(new DreyError('unreachable', 'the asker has gone'))
      if (outgoing.destroyed) return gone()
      outgoing.once('close', gone)
      outgoing.write(chunk, (error) => {
        outgoing.off('close', gone)
        if (error) reject(error)
        else resolve()
      })
    })
  }
  if (trailers) outgoing.addTrailers(trailers())
  if (!incoming.complete) await linger(incoming)
  outgoing.end()
}

/**
 * Whoever is refused while it still sends has to hear why: a connection that is closed before all was read is reset,
 * and what was on its way to the asker is lost with it (RFC 9112, 9.6). So it is read on for a while, for nothing.
 */
async function linger(incoming: IncomingMessage): Promise<void> {
  const isOver = new AbortController()
  const { signal } = isOver
  const ends = ['end', 'close'].map((event) => once(incoming, event, { signal }))
  const waits = [...ends, rest(lingerMs, undefined, { signal })]
  incoming.resume()
  await Promise.race(waits).catch(() => {}) // However it ended: it has.
  for (const wait of waits) wait.catch(() => {}) // The other one is told to stop.
  isOver.abort()
}
