import { once } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { freed } from '../base/bytes.ts'
import { DreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Door, DoorReply } from './door.ts'
import { errorReply } from './errors.ts'

/** Carries requests from `node:http` to a door, with backpressure both ways. */
export function httpServer(door: Door, log: Log): Server {
  const server = createServer((incoming, outgoing) => {
    carry(door, incoming, outgoing).catch((error: unknown) => {
      log.debug(`a request ended early: ${messageOf(error)}`, { path: incoming.url })
      outgoing.destroy()
    })
  })
  server.requestTimeout = 0 // A put may last for days; a stalled one is the asker's to end.
  return server
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
    const { path, query } = parseTarget(incoming.url ?? '/')
    reply = await door({
      method: incoming.method ?? 'GET',
      path,
      query,
      headers: incoming.headers as Record<string, string | undefined>,
      body: freed(incoming),
      signal: controller.signal,
    })
  } catch (error) {
    reply = errorReply(error)
  }
  await send(reply, outgoing)
}

/** Throws 'bad-input' for what is no path, such as "%" without two digits. */
function parseTarget(text: string): { path: string; query: URLSearchParams } {
  try {
    const url = new URL(text, 'http://local')
    return { path: decodeURIComponent(url.pathname), query: url.searchParams }
  } catch (cause) {
    throw new DreyError('bad-input', `not a path: "${text}"`, { cause })
  }
}

async function send(reply: DoorReply, outgoing: ServerResponse): Promise<void> {
  const { status, headers, body, trailers } = reply
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
  outgoing.end()
}
