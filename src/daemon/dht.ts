import { X509Certificate } from 'node:crypto'
import { blake3 } from '../address/blake3.ts'
import type { Clock } from '../base/clock.ts'
import { isDreyError, messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { openDht, type Dht } from '../discovery/dht.ts'
import type { Membership } from '../discovery/membership.ts'
import { greet } from './finders.ts'
import { parseListen, type Config } from './config.ts'
import type { TlsTransporter } from '../transport/tlsTransporter.ts'

export interface DhtParts {
  readonly config: Config
  readonly transporter: TlsTransporter
  readonly authorityPem: string
  readonly canBeDialed: () => boolean
  readonly log: Log
}

const seekMs = 60_000
const enoughPeers = 3 // Who knows so many hears of the rest from them.

/** Opens this node's part in the swarm's DHT; `undefined`, with a line in the log, where that cannot be. */
export async function openSwarmDht(parts: DhtParts): Promise<Dht | undefined> {
  const { config, transporter, authorityPem, canBeDialed, log } = parts
  const { id, port } = transporter
  try {
    return await openDht({
      ...{ id, canBeDialed, log },
      swarm: swarmKey(authorityPem),
      host: port === undefined ? undefined : parseListen(config.listen).host,
      port: port ?? 0,
    })
  } catch (error) {
    log.warn('this node takes no part in the DHT', { why: messageOf(error) })
    return undefined
  }
}

/** Tells the DHT of members, and this node of members that the DHT knows, as long as it knows few. */
export async function followDht(
  dht: Dht,
  { transporter, log }: Pick<DhtParts, 'transporter' | 'log'>,
  { membership, clock, signal }: { membership: Membership; clock: Clock; signal: AbortSignal },
): Promise<void> {
  const told = new Set<string>()
  const tell = () => {
    for (const { record, peer } of membership.others()) {
      const [address] = record.addresses
      if (peer === undefined || address === undefined || told.has(address)) continue
      told.add(address)
      dht.addNode(address)
    }
  }
  const stop = membership.watch(tell)
  tell()
  if (transporter.port !== undefined) dht.announceSelf(transporter.port)
  while (!signal.aborted) {
    try {
      await clock.sleep(seekMs, signal)
      if (transporter.peers().length >= enoughPeers) continue
      for await (const address of dht.members({ signal })) void greet(transporter, address, log)
    } catch (error) {
      if (!signal.aborted && !isDreyError(error)) throw error
    }
  }
  stop()
}

/** 32 bytes that every member knows, and whoever was shown the swarm's certificate. */
function swarmKey(authorityPem: string): Uint8Array {
  const spki = new X509Certificate(authorityPem).publicKey.export({ type: 'spki', format: 'der' })
  return blake3.derive('Drey 2026 swarm in the DHT', spki)
}
