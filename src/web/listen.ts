import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Door } from '../gateway/door.ts'
import { httpServer } from '../gateway/http.ts'

const limits = {
  maxHeaderSize: 16 << 10, // A target of 4 KiB, and what browsers say of themselves.
  headersTimeout: 10_000,
  keepAliveTimeout: 10_000,
  connectionsCheckingInterval: 5_000,
} as const

const connectionsMax = 2_048 // 20 KB each; whoever comes then is hung up on.

/** A door that is open to TCP. */
export interface OpenDoor extends AsyncDisposable {
  /** Where: "127.0.0.1:7480". */
  readonly address: string
}

/** Serves a door at a host and port; port 0 is any that is free. Throws 'busy', 'bad-input'. */
export async function listen(
  door: Door,
  { host, port, log }: { host: string; port: number; log: Log },
): Promise<OpenDoor> {
  // A peer that is gone without a word is found out by the kernel.
  const server = httpServer(door, log, {
    ...limits,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
  })
  server.maxConnections = connectionsMax
  await bound(server, host, port)
  const { address, family, port: given } = server.address() as AddressInfo
  return {
    address: `${family === 'IPv6' ? `[${address}]` : address}:${given}`,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function bound(server: Server, host: string, port: number): Promise<void> {
  const listening = once(server, 'listening')
  server.listen({ host, port })
  try {
    await listening
  } catch (cause) {
    const isTaken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
    const what = isTaken ? 'another program listens there' : messageOf(cause)
    const code = isTaken ? 'busy' : 'bad-input'
    const how = 'choose another place with --http, or none with --no-http'
    throw new DreyError(code, `cannot open the HTTP door at ${host}:${port}: ${what}; ${how}`, {
      cause,
    })
  }
}
