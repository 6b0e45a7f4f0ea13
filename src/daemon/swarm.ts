import { systemClock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import { Membership } from '../discovery/membership.ts'
import type { Store } from '../store/store.ts'
import { reachableEndpoints } from '../transport/endpoint.ts'
import type { Identity } from '../transport/identity.ts'
import { CertificateNotary } from '../transport/notary.ts'
import { listenTls, type TlsTransporter } from '../transport/tlsTransporter.ts'
import { parseListen, type Config } from './config.ts'
import type { DataFolder } from './folder.ts'
import { keepRecords, readKnown, saveEvictions } from './known.ts'

export interface SwarmParts {
  readonly folder: DataFolder
  readonly config: Config
  readonly identity: Identity
  readonly store: Store
  readonly log: Log
  readonly isVisit: boolean
}

/** A node's standing in its swarm: how it is connected, and whom it knows. */
export interface Swarm extends AsyncDisposable {
  readonly transporter: TlsTransporter
  readonly membership: Membership
}

/** Opens it. Evicted members are refused from the first handshake on. */
export async function openSwarm(parts: SwarmParts): Promise<Swarm> {
  const { folder, config, identity, store, log, isVisit } = parts
  await using opened = new AsyncDisposableStack()
  const known = await readKnown(folder, log)
  const common = { clock: systemClock, log, random: systemRandom }
  const { host, port } = parseListen(config.listen)
  let membership: Membership | undefined
  const transporter = opened.use(
    await listenTls({
      ...common,
      identity,
      ...(isVisit ? {} : { host, port }),
      publicAddress: config.publicAddress,
      refuse: (member) => (membership ? membership.whyNot(member) : 'this node is just starting'),
    }),
  )
  const notary = new CertificateNotary(identity, systemClock)
  const describe = async () => ({
    free: (await store.usage()).free,
    addresses: addressesOf(config, transporter),
  })
  membership = opened.use(
    new Membership(
      {
        ...common,
        transporter,
        notary,
        describe,
        saveEvictions: (evictions) => saveEvictions(folder, evictions),
      },
      {
        name: config.name,
        zone: config.zone ?? '',
        relays: [],
        offersRelay: false,
        capacity: config.capacity,
        stage: 'here',
        ...(await describe()),
      },
    ),
  )
  await membership.remember(known.records, known.evictions)
  opened.use(keepRecords(folder, membership, log))
  const close = opened.move()
  return { transporter, membership, [Symbol.asyncDispose]: () => close.disposeAsync() }
}

function addressesOf({ listen, publicAddress }: Config, { port }: TlsTransporter): string[] {
  if (port === undefined) return []
  const own = reachableEndpoints(parseListen(listen).host, port)
  return [...new Set([...(publicAddress ? [publicAddress] : []), ...own])].slice(0, 6)
}
