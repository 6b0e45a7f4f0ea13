import { connect, type Socket } from 'node:net'
import * as tls from 'node:tls'
import { parseEndpoint } from '../../src/transport/endpoint.ts'

/** Sends these bytes over plain TCP, and waits until the other side has had enough. */
export async function talkPlain(address: string, bytes: string | Uint8Array): Promise<void> {
  const socket = connect(parseEndpoint(address))
  socket.write(bytes)
  await cutOff(socket)
}

/** Speaks TLS, and shows nothing. */
export async function withoutCertificate(address: string): Promise<void> {
  await cutOff(tls.connect({ ...parseEndpoint(address), rejectUnauthorized: false }))
}

/** Resolves when the other side has ended it. */
export function cutOff(socket: Socket): Promise<void> {
  socket.on('error', () => {}) // That is what is waited for.
  socket.resume()
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

/** Run as a process of its own, `outsiders.ts ADDRESS COUNT`: that many outsiders, eight at a time. */
async function come(address: string, count: number): Promise<void> {
  const ways = [
    () => withoutCertificate(address),
    () => talkPlain(address, 'GET / HTTP/1.1\r\n\r\n'),
    () => talkPlain(address, new Uint8Array(2_000).fill(0x16)),
  ]
  let left = count
  const lane = async () => {
    while (left-- > 0) await ways[left % ways.length]!()
  }
  await Promise.all(Array.from({ length: 8 }, lane))
}

if (import.meta.main) await come(process.argv[2]!, Number(process.argv[3]))
