import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as rest } from 'node:timers/promises'
import { DreyError, messageOf } from '../base/error.ts'
import type { Mapping, Router, Wanted } from './routerAsk.ts'

/**
 * NAT-PMP (RFC 6886), big-endian:
 *
 *     asked     version 0 (1), operation (1)                   0: the address; 1: UDP; 2: TCP
 *               + 0 (2), port (2), external port (2), seconds (4)
 *     answered  0 (1), 128 + operation (1), result (2), seconds since the router's start (4)
 *               + address (4)
 *               + port (2), external port (2), seconds (4)
 */
const operations = { address: 0, udp: 1, tcp: 2 } as const
const answerBytes = { address: 12, mapping: 16 } as const
const patienceMs = [250, 500, 1_000, 2_000] // Each time it asks again; the RFC doubles nine times.
const results = [
  '',
  'it speaks another version',
  'it may not be asked (NAT-PMP may be switched off in its settings)',
  'it has no address itself yet',
  'it has no port left',
  'it does not know how',
]

/** The router at this address of the network, if it speaks NAT-PMP. */
export async function findPmp(
  host: string,
  signal: AbortSignal,
  port = 5351,
): Promise<Router | undefined> {
  const router = new PmpRouter(host, port)
  try {
    await router.address(signal)
    return router
  } catch {
    signal.throwIfAborted()
    return undefined // It does not answer, or refuses to be asked.
  }
}

class PmpRouter implements Router {
  readonly name = 'NAT-PMP'
  readonly #host: string
  readonly #port: number

  constructor(host: string, port: number) {
    this.#host = host
    this.#port = port
  }

  async address(signal: AbortSignal): Promise<string> {
    const request = Buffer.from([0, operations.address])
    const answer = await this.#ask(request, answerBytes.address, signal)
    return [...answer.subarray(8, 12)].join('.')
  }

  async map(wanted: Wanted, signal: AbortSignal): Promise<Mapping> {
    const answer = await this.#ask(encodeWanted(wanted), answerBytes.mapping, signal)
    return {
      externalHost: await this.address(signal),
      externalPort: answer.readUInt16BE(10),
      seconds: answer.readUInt32BE(12),
    }
  }

  async unmap(wanted: Wanted, signal: AbortSignal): Promise<void> {
    const nothing = encodeWanted({ ...wanted, externalPort: 0, seconds: 0 })
    await this.#ask(nothing, answerBytes.mapping, signal)
  }

  async #ask(request: Buffer, size: number, signal: AbortSignal): Promise<Buffer> {
    const socket = createSocket('udp4')
    try {
      return await ask(socket, { host: this.#host, port: this.#port }, request, size, signal)
    } catch (cause) {
      signal.throwIfAborted()
      throw new DreyError('unreachable', `the router ${this.#host}: ${messageOf(cause)}`, { cause })
    } finally {
      socket.close()
    }
  }
}

function encodeWanted({ protocol, port, externalPort, seconds }: Wanted): Buffer {
  const request = Buffer.alloc(12)
  request[1] = operations[protocol]
  request.writeUInt16BE(port, 4)
  request.writeUInt16BE(externalPort, 6)
  request.writeUInt32BE(seconds, 8)
  return request
}

/** Asks until it is answered. The socket is connected, so that it hears nobody but the router. */
async function ask(
  socket: Socket,
  { host, port }: { host: string; port: number },
  request: Buffer,
  size: number,
  signal: AbortSignal,
): Promise<Buffer> {
  socket.connect(port, host)
  await once(socket, 'connect', { signal })
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  socket.on('error', reject) // Nobody listens there, say.
  socket.on('message', (said) => {
    try {
      if (isAnswer(said, request[1]!, size)) resolve(said)
    } catch (error) {
      reject(error)
    }
  })
  for (const ms of patienceMs) {
    socket.send(request)
    const answer = await Promise.race([promise, rest(ms, undefined, { signal, ref: false })])
    if (answer !== undefined) return answer
  }
  throw new Error('it does not answer')
}

/** Whether this is the whole answer. Throws when it is a refusal. */
function isAnswer(said: Buffer, operation: number, size: number): boolean {
  if (said.length < 4 || said[1] !== 128 + operation) return false
  const result = said[0] === 0 ? said.readUInt16BE(2) : 1
  if (result !== 0) throw new Error(results[result] ?? `it refuses (${result})`)
  return said.length >= size
}
