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
  requestsMax: 1_536, // Each takes 20 KB, and a reader a piece of a blob.
  keepAlive: true, // Somebody who is gone without a word is found out by the kernel.
  keepAliveInitialDelay: 60_000,
}

const connectionsMax = 2_048 // Whoever comes then is hung up on.

export interface ListenOptions extends Partial<typeof limits> {
  readonly host: string
  /** 0 is any that is free. */
  readonly port: number
  readonly log: Log
}

/** A door that is open to TCP. */
export interface OpenDoor extends AsyncDisposable {
  /** Where: "127.0.0.1:7480". */
  readonly address: string
}

/** Serves a door at a host and port. Throws 'busy', 'bad-input'. */
export async function listen(door: Door, options: ListenOptions): Promise<OpenDoor> {
  const { host, port, log, ...others } = options
  const server = httpServer(door, log, { ...limits, ...others })
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
