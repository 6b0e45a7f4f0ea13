import { systemClock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import { answerClock } from '../discovery/clocks.ts'
import type { Dht } from '../discovery/dht.ts'
import type { MembershipLimits } from '../discovery/limits.ts'
import { Membership } from '../discovery/membership.ts'
import { Reach } from '../discovery/reach.ts'
import type { Operations } from '../node/serve.ts'
import type { Store } from '../store/store.ts'
import type { Identity } from '../transport/identity.ts'
import { CertificateNotary } from '../transport/notary.ts'
import { RelayHost } from '../transport/relay.ts'
import { dialThrough, relayAnswerer } from '../transport/relayGuest.ts'
import { listenTls, type TlsTransporter } from '../transport/tlsTransporter.ts'
import { parseListen, type Config } from './config.ts'
import { followDht, openSwarmDht } from './dht.ts'
import { openFinders, type Finders } from './finders.ts'
import type { DataFolder } from './folder.ts'
import { keepRecords, readKnown, saveEvictions } from './known.ts'
import { dialableAddress } from './relays.ts'
import { describeSelf, firstSaying, followSelf } from './self.ts'

export interface SwarmParts {
  readonly folder: DataFolder
  readonly config: Config
  readonly identity: Identity
  readonly store: Store
  readonly log: Log
  readonly isVisit: boolean
}

/** A node's standing in its swarm: how it is connected, whom it knows, and what peers may ask about that. */
export interface Swarm extends AsyncDisposable {
  readonly transporter: TlsTransporter
  readonly membership: Membership
  readonly notary: CertificateNotary
  readonly reach: Reach
  /** Absent at a node that takes no part in it. */
  readonly dht: Dht | undefined
  /** Absent at a node that is open for one command. */
  readonly finders: Finders | undefined
  readonly operations: Operations
}

const probeProtocol = 'drey-reach/1'
const common = { clock: systemClock, random: systemRandom }

/** Opens it. Evicted members are refused from the first handshake on. */
export async function openSwarm(parts: SwarmParts): Promise<Swarm> {
  const { folder, config, identity, store, log, isVisit } = parts
  const { authorityPem } = identity
  await using opened = new AsyncDisposableStack()
  const known = await readKnown(folder, log)
  const late: { membership?: Membership } = {} // Handshakes begin before it is there.
  const transporter = opened.use(
    await listenTls({
      ...{ ...common, log, identity },
      ...(isVisit ? {} : parseListen(config.listen)),
      publicAddress: config.publicAddress,
      refuse: (member) =>
        late.membership ? late.membership.whyNot(member) : 'this node is just starting',
    }),
  )
  const reach = opened.use(openReach(transporter))
  const notary = new CertificateNotary(identity, systemClock)
  const finders = isVisit
    ? undefined
    : opened.use(await openFinders({ config, transporter, log, authorityPem }))
  const self = { config, store, transporter, reach, mapped: () => finders?.mapped() }
  const { name, capacity, zone = '', relayBytesPerSecond } = config
  const membership = opened.use(
    new Membership(
      {
        ...{ ...common, log, transporter, notary },
        describe: async () => (late.membership ? describeSelf(self, late.membership) : {}),
        saveEvictions: (evictions) => saveEvictions(folder, evictions),
        dialThrough: (relay, id, signal) =>
          dialThrough(
            transporter,
            { relay: dialableAddress(relay, late.membership), id },
            { signal },
          ),
      },
      {
        ...{ name, zone, capacity, stage: 'here', offersRelay: relayBytesPerSecond !== undefined },
        ...firstSaying(self),
      },
      limitsOf(config),
    ),
  )
  await membership.remember(known.records, known.evictions)
  late.membership = membership
  opened.use(keepRecords(folder, membership, log))
  if (relayBytesPerSecond !== undefined && !isVisit) {
    const bytesPerSecond = relayBytesPerSecond
    opened.use(new RelayHost({ transporter, clock: systemClock, log, bytesPerSecond }))
  }
  const following = new AbortController()
  opened.defer(() => following.abort())
  followSelf(self, membership, following.signal).catch((error: unknown) => {
    log.error('what this node says of itself is not followed any more', { error })
  })
  const dht =
    isVisit || config.without?.includes('dht') === true
      ? undefined
      : await openSwarmDht({
          config,
          transporter,
          authorityPem,
          log,
          canBeDialed: () => isDialable(reach),
        })
  if (dht !== undefined) {
    opened.use(dht)
    void followDht(
      dht,
      { transporter, log },
      { membership, clock: systemClock, signal: following.signal },
    )
  }
  const come = relayAnswerer({ transporter, clock: systemClock, log })
  const close = opened.move()
  return {
    ...{ transporter, membership, notary, reach, dht, finders },
    operations: {
      reach: reach.answer,
      clock: answerClock(systemClock),
      relay: async (peer, { header }) =>
        come(header, { id: peer.id, address: dialableAddress(peer, membership) }),
    },
    [Symbol.asyncDispose]: () => close.disposeAsync(),
  }
}

/** Only what the config says: the rest is as usual. */
function limitsOf({ heartbeatMs, awayMs }: Config): Partial<MembershipLimits> {
  return { ...(heartbeatMs ? { heartbeatMs } : {}), ...(awayMs ? { awayMs } : {}) }
}

/** A node that nobody has tried to dial may well be dialed. */
function isDialable({ trials }: Reach): boolean {
  return trials.length === 0 || trials.some(({ why }) => why === undefined)
}

function openReach(transporter: TlsTransporter): Reach {
  transporter.openDoor(probeProtocol, 'member', async (stream) => void stream.end())
  return new Reach({
    ...{ ...common, transporter },
    port: () => transporter.port,
    probe: async (address, signal) => {
      const { stream, member } = await transporter.dialDoor(address, probeProtocol, { signal })
      stream.destroy()
      return member.id
    },
  })
}
