import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import * as tls from 'node:tls'
import { free } from '../src/base/bytes.ts'
import { parseEndpoint } from '../src/transport/endpoint.ts'
import type { Identity } from '../src/transport/identity.ts'
import { listenTls } from '../src/transport/tlsTransporter.ts'

/**
 * One of the processes that bench/wire.ts and bench/network.ts set against each other. Its parent tells it
 * what to do over IPC; it answers every message with one of its own. A dialer that has dialed several
 * moves the bytes over all of them, an equal share each.
 */
export type Order =
  | { do: 'listen'; kind: Kind; identity: Identity; host: string }
  | { do: 'dial'; kind: Kind; identity: Identity; address: string }
  | { do: 'move'; way: Way; bytes: number }
  | { do: 'report' }

export type Kind = 'drey' | 'bare'
export type Way = 'up' | 'down'
export interface Report {
  readonly cpuMs: number
  readonly peakMiB: number
}

const shardBytes = 256 * 1024
const shardsAtOnce = 16
const writeBytes = 64 * 1024

type Move = (way: Way, bytes: number) => Promise<void>

const moves: Move[] = []
let peakMiB = 0

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'listen':
      return (order.kind === 'drey' ? listenDrey : listenBare)(order.identity, order.host)
    case 'dial': {
      const dial = order.kind === 'drey' ? dialDrey : dialBare
      moves.push(await dial(order.identity, order.address))
      return 'ready'
    }
    case 'move': {
      const began = performance.now()
      const share = Math.ceil(order.bytes / moves.length / writeBytes) * writeBytes
      await Promise.all(moves.map((move) => move(order.way, share)))
      return performance.now() - began
    }
    case 'report': {
      const { user, system } = process.cpuUsage()
      return { cpuMs: (user + system) / 1000, peakMiB } satisfies Report
    }
  }
}

async function listenDrey(identity: Identity, host: string): Promise<string> {
  const transporter = await listenTls({ identity, host, port: 0 })
  const shard = new Uint8Array(shardBytes).fill(7)
  transporter.serve(async (_peer, { header, release }) => {
    release?.()
    return header.want === true ? { header: {}, payload: shard } : { header: {} }
  })
  return transporter.address
}

async function dialDrey(identity: Identity, address: string): Promise<Move> {
  const peer = await (await listenTls({ identity })).connect(address)
  const shard = new Uint8Array(shardBytes).fill(7)
  const memories = Array.from({ length: shardsAtOnce }, () => new Uint8Array(shardBytes))
  return async (way, bytes) => {
    let left = Math.ceil(bytes / shardBytes)
    const lane = async (memory: Uint8Array) => {
      const into = () => memory
      while (left-- > 0) {
        if (way === 'up') await peer.request({ header: { want: false }, payload: shard })
        else await peer.request({ header: { want: true } }, { into })
      }
    }
    await Promise.all(memories.map(lane))
  }
}

const bareOptions = ({ keyPem, certificatePem, authorityPem }: Identity) => ({
  ...{ key: keyPem, cert: certificatePem, ca: authorityPem, rejectUnauthorized: true },
  ...({ minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' } as const),
})

/** Six bytes ask: how many bytes come (first byte 0) or are wanted (1). One byte tells that all came. */
async function listenBare(identity: Identity, host: string): Promise<string> {
  const server = tls.createServer({ ...bareOptions(identity), requestCert: true, noDelay: true })
  server.on('secureConnection', (socket) => {
    let left = 0
    socket.on('data', (chunk: Buffer) => {
      if (left === 0) {
        const bytes = chunk.readUIntBE(1, 5)
        if (chunk[0] === 1) void pour(socket, bytes)
        else left = bytes
      } else {
        left -= chunk.length
        if (left === 0) socket.write('!')
      }
      free(chunk)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  return `${host}:${(server.address() as AddressInfo).port}`
}

async function dialBare(identity: Identity, address: string): Promise<Move> {
  const socket = tls.connect({
    ...{ ...parseEndpoint(address), ...bareOptions(identity) },
    checkServerIdentity: () => undefined,
  })
  socket.setNoDelay(true)
  await new Promise<void>((resolve) => socket.once('secureConnect', resolve))
  return async (way, bytes) => {
    const ask = Buffer.alloc(6)
    ask[0] = way === 'down' ? 1 : 0
    ask.writeUIntBE(bytes, 1, 5)
    let left = way === 'down' ? bytes : 1
    const { promise, resolve } = Promise.withResolvers<void>()
    const count = (chunk: Buffer) => {
      left -= chunk.length
      free(chunk)
      if (left === 0) resolve()
    }
    socket.on('data', count)
    socket.write(ask)
    // The question travels alone, as the other side expects.
    await new Promise((done) => setTimeout(done, 20))
    if (way === 'up') await pour(socket, bytes)
    await promise
    socket.off('data', count)
  }
}

async function pour(socket: tls.TLSSocket, bytes: number): Promise<void> {
  const piece = new Uint8Array(writeBytes).fill(7)
  for (let sent = 0; sent < bytes; sent += writeBytes) {
    if (!socket.write(piece)) await new Promise<void>((go) => socket.once('drain', go))
  }
}

function privateMiB(): number {
  const match = /RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))
  return Number(match?.[1] ?? 0) / 1024
}

setInterval(() => (peakMiB = Math.max(peakMiB, privateMiB())), 20).unref()
process.on('message', (order: Order) => {
  void obey(order).then((answer) => process.send!(answer))
})
