import type { Duplex } from 'node:stream'
import { systemClock } from '../base/clock.ts'
import { isDreyError, type ErrorCode } from '../base/error.ts'
import { memoryLog, type LogLine } from '../base/log.ts'
import { RelayHost, type RelayOptions } from './relay.ts'
import { dialThrough, relayAnswerer } from './relayGuest.ts'
import { testSwarm } from './testSwarm.ts'
import { listenTls, type TlsTransporter } from './tlsTransporter.ts'
import type { Peer } from './transporter.ts'
import { until } from './transporterSuite.ts'

export const swarm = await testSwarm()

/** Sees, or changes, what the relay writes to one of its streams. */
export type Meddler = (chunk: Uint8Array) => Uint8Array

/** Ann and Bob only dial out; Rob can be dialed, relays, and knows both. */
export class RelayTown implements AsyncDisposable {
  readonly lines: LogLine[] = []
  readonly ann: TlsTransporter
  readonly bob: TlsTransporter
  readonly rob: TlsTransporter
  readonly host: RelayHost

  constructor(
    parts: Pick<RelayTown, 'ann' | 'bob' | 'rob'>,
    options: Partial<RelayOptions>,
    meddler?: Meddler,
  ) {
    const { ann, bob, rob } = parts
    this.ann = ann
    this.bob = bob
    this.rob = rob
    const clock = systemClock
    const log = memoryLog(this.lines)
    const answer = relayAnswerer({ transporter: bob, clock, log })
    bob.serve(async (peer, request) =>
      request.header.op === 'relay' ? answer(request.header, peer) : request,
    )
    const transporter = meddler === undefined ? rob : meddling(rob, meddler)
    this.host = new RelayHost({ transporter, clock, log, bytesPerSecond: 1e9, ...options })
  }

  /** Ann's connection to Bob. */
  meet(): Promise<Peer> {
    return dialThrough(this.ann, { relay: this.rob.address, id: this.bob.id })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host.close()
    await Promise.all([this.ann.close(), this.bob.close(), this.rob.close()])
  }
}

export async function relayTown(
  options: Partial<RelayOptions> = {},
  meddler?: Meddler,
): Promise<RelayTown> {
  const ann = await listenTls({ identity: await swarm.member() })
  const bob = await listenTls({ identity: await swarm.member() })
  const rob = await listenTls({ identity: await swarm.member(), host: '127.0.0.1', port: 0 })
  await Promise.all([ann.connect(rob.address), bob.connect(rob.address)])
  await until(() => rob.peers().length === 2)
  return new RelayTown({ ann, bob, rob }, options, meddler)
}

function meddling(rob: TlsTransporter, meddler: Meddler): RelayOptions['transporter'] {
  const meddle = (stream: Duplex) => {
    const write = stream.write.bind(stream) as (chunk: Uint8Array, done?: () => void) => boolean
    return Object.assign(stream, {
      write: (chunk: Uint8Array, done?: () => void) => write(meddler(chunk), done),
    })
  }
  return {
    id: rob.id,
    peers: () => rob.peers(),
    openDoor: (protocol, demands, door) =>
      rob.openDoor(protocol, demands, (stream, visitor) => door(meddle(stream), visitor)),
  }
}

/** Whether an error has this code, and says something like this. */
export const fails = (code: ErrorCode, why: RegExp) => (error: unknown) =>
  isDreyError(error, code) && why.test(error.message)
