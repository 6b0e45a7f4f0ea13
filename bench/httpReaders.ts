import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { between, seededRandom } from '../src/base/random.ts'

/** A blob at an HTTP door. */
export interface Served {
  readonly host: string
  readonly port: number
  readonly address: string
  readonly token: string
  readonly size: number
}

const rangeBytes = 256 * 1024

/** So many readers at once, each of which reads some ranges at random places, one after the other. Says how long each waited, in milliseconds. */
export async function readRanges(
  served: Served,
  { readers, each, seed = 1 }: { readers: number; each: number; seed?: number },
): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: readers })
  const took: number[] = []
  const read = async (reader: number) => {
    const random = seededRandom(seed + reader)
    for (let turn = 0; turn < each; turn++) {
      const start = between(random, 0, served.size - rangeBytes)
      const started = performance.now()
      const size = await readRange(served, agent, start)
      if (size !== rangeBytes) throw new Error(`${size} of ${rangeBytes} bytes came`)
      took.push(performance.now() - started)
    }
  }
  await Promise.all(Array.from({ length: readers }, (_, reader) => read(reader)))
  agent.destroy()
  return took.sort((a, b) => a - b)
}

async function readRange(
  { host, port, address, token }: Served,
  agent: Agent,
  start: number,
): Promise<number> {
  const range = `bytes=${start}-${start + rangeBytes - 1}`
  const headers = { authorization: `Bearer ${token}`, range }
  const outgoing = request({ host, port, agent, path: `/blob/${address}`, headers }).end()
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  let size = 0
  for await (const chunk of incoming) size += (chunk as Buffer).length
  return size
}

/** So many readers that ask for all of it, and hardly read: a byte a second. They go on until they are destroyed. */
export async function dawdle(served: Served, count: number): Promise<Socket[]> {
  const { host, port, address, token } = served
  const lines = [
    `GET /blob/${address} HTTP/1.1`,
    `host: ${host}:${port}`,
    `authorization: Bearer ${token}`,
  ]
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect({ host, port })
      await once(socket, 'connect')
      socket.on('error', () => {}) // The node may end before they do.
      socket.write(`${lines.join('\r\n')}\r\n\r\n`)
      await once(socket, 'readable')
      const sip = setInterval(() => void socket.read(1), 1_000)
      socket.once('close', () => clearInterval(sip))
      return socket
    }),
  )
}

/** A port that nobody listens at now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
