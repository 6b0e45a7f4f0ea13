import { readFile } from 'node:fs/promises'
import { systemClock } from '../base/clock.ts'
import { systemRandom } from '../base/random.ts'
import type { Log } from '../base/log.ts'
import { parseCode } from '../coding/code.ts'
import { readKeysOf } from '../crypto/keys.ts'
import { readKeyFile, removeUnfinished } from '../crypto/keyfile.ts'
import { batchDoor } from '../gateway/batch.ts'
import { blobDoor } from '../gateway/blobs.ts'
import { carDoor } from '../gateway/car.ts'
import { checkDoor } from '../gateway/check.ts'
import type { Membership } from '../discovery/membership.ts'
import { doctorDoor } from '../gateway/doctor.ts'
import { doorOf, type Door } from '../gateway/door.ts'
import { eventsDoor } from '../gateway/events.ts'
import { garbageDoor } from '../gateway/garbage.ts'
import { leasesDoor } from '../gateway/leases.ts'
import { planDoor } from '../gateway/plan.ts'
import { leaveDoor } from '../gateway/leave.ts'
import { membersDoor } from '../gateway/members.ts'
import { namesDoor } from '../gateway/names.ts'
import { recoverDoor } from '../gateway/recover.ts'
import { publishedDoor } from '../gateway/published.ts'
import { scrubDoor } from '../gateway/scrub.ts'
import { statusDoor } from '../gateway/status.ts'
import { openLeases, type Leases } from '../lease/leases.ts'
import { Orchestrator } from '../node/orchestrator.ts'
import { openCrew } from '../pipe/crew.ts'
import { Pool, slotsFor } from '../pipe/pool.ts'
import { openDiskStore } from '../store/disk.ts'
import { FloorStore, freeBytesOf } from '../store/floor.ts'
import { QuotaStore } from '../store/quota.ts'
import { RotNews } from '../store/rotNews.ts'
import type { ShardName, Store } from '../store/store.ts'
import { makeIdentity, type Identity } from '../transport/identity.ts'
import type { Role } from '../transport/transporter.ts'
import type { WebParts } from '../web/web.ts'
import { openAdmission } from './admission.ts'
import { openCatalog } from './catalog.ts'
import { readConfig, type Config, type Without } from './config.ts'
import type { DoctorParts } from './doctor.ts'
import { eventsOf } from './events.ts'
import type { DataFolder } from './folder.ts'
import { openCollector } from './garbage.ts'
import { openMending } from './mender.ts'
import { membersParts } from './members.ts'
import { nameOfMember, openNames } from './names.ts'
import { openScrubber } from './scrub.ts'
import { statusOf } from './status.ts'
import { openPublisher } from './published.ts'
import { openSwarm } from './swarm.ts'

export interface StartOptions {
  readonly log: Log
  readonly passphrase?: string
  /** In place of what the config file says. */
  readonly listen?: string
  readonly peers?: readonly string[]
  readonly threads?: number
  readonly code?: string
  /** Bytes a second that it carries for members who cannot reach each other. */
  readonly relayBytesPerSecond?: number
  /** What it does not do, in place of the config's. */
  readonly without?: readonly Without[]
  /** Open for one command alone: it listens nowhere, and is not to be counted on. */
  readonly isVisit?: boolean
  /** For benchmarks alone: what is acknowledged may be lost in a power cut. */
  readonly unsafeNoSync?: boolean
}

/** A running node: its parts, put together. */
export interface RunningNode extends AsyncDisposable {
  readonly membership: Membership
  /** Resolves when it was asked to leave the swarm, and has. */
  readonly left: Promise<void>
  readonly door: Door
  /** What its HTTP door is made of. */
  readonly web: WebParts
  /** Where members reach it: "host:port". */
  readonly address: string
}

/** Opens the node of a data folder: this is where concrete parts meet. */
export async function startNode(folder: DataFolder, options: StartOptions): Promise<RunningNode> {
  const { log, isVisit = false } = options
  const config = { ...(await readConfig(folder)), ...given(options) }
  await using opened = new AsyncDisposableStack()
  const identity = await readIdentity(folder, options.passphrase)
  const rot = new RotNews()
  const store = opened.use(await openStore(folder, config, { ...options, rot }))
  await removeUnfinished(folder.path) // Who has the store open is alone in the folder.
  const pool = new Pool({ slots: slotsFor(config.threads) })
  const crew = opened.use(openCrew(pool, config.threads))
  const swarm = opened.use(await openSwarm({ folder, config, identity, store, log, isVisit }))
  const { transporter, membership, reach } = swarm
  const { passphrase } = options
  const readSecret = await readSecretOf(folder, identity.role, passphrase)
  const admission = opened.use(
    await openAdmission({ ...swarm, folder, identity, passphrase, readSecret, log }),
  )
  const leases = opened.use(await openOwnLeases(folder, config, { identity, store, log }))
  const keys = readSecret && readKeysOf(readSecret)
  const naming = opened.use(await openNames({ folder, swarm, keys, log }))
  const common = { store, leases, transporter, membership, clock: systemClock, log }
  const orchestrator = opened.use(
    new Orchestrator(
      { ...common, pool, crew, hints: swarm.dht },
      {
        keys,
        code: config.code === undefined ? undefined : parseCode(config.code),
        limits: { segmentsAhead: pool.slots },
      },
    ),
  )
  const mending = opened.use(
    openMending({ ...common, node: orchestrator, pool, crew, config, isVisit }),
  )
  const { mender } = mending
  rot.listen(({ block }) => mender?.note(block))
  const { activity } = orchestrator
  const scrubbing = { ...common, rot, activity, folder, config, isVisit }
  const { scrubber } = opened.use(await openScrubber(scrubbing))
  const { keeping, leasing } = orchestrator
  const collecting = { keeping, sweep: leases.sweep, activity, clock: systemClock, log }
  const { collector } = opened.use(openCollector({ ...collecting, config, isVisit }))
  const abandonAdopted = () => leases.sweep.abandonAdopted()
  const publisher = await openPublisher({ ...common, dht: swarm.dht, folder, orchestrator })
  if (publisher !== undefined) opened.use(publisher)
  for (const { operations } of [
    swarm,
    admission,
    mending,
    naming,
    ...(publisher ? [publisher] : []),
  ]) {
    orchestrator.operate(operations)
  }
  const catalog = openCatalog({ config, naming, swarm, node: orchestrator, leases, keys, log })
  if (catalog !== undefined) opened.use(catalog)
  for (const peer of config.peers) transporter.keepConnected(peer)
  const membersOf = membersParts(membership, { ...naming, ...swarm, clock: systemClock })
  const telling = { members: membersOf.list, mend: () => mender?.progress, rot, clock: systemClock }
  const left = Promise.withResolvers<void>()
  const health = { ...scrubbing, swarm, mender, scrubber }
  const door = doorOf(
    statusDoor(() =>
      statusOf(orchestrator, { store, membership, reach, mender, scrubber, collector }),
    ),
    doctorDoor((signal) => examine(health, signal)),
    blobDoor(orchestrator),
    batchDoor({ node: orchestrator, covering: mending.covering }),
    carDoor({ node: orchestrator, importCar: mending.importCar }),
    membersDoor(membersOf),
    eventsDoor((signal) => eventsOf(telling, signal)),
    namesDoor({
      names: naming.names,
      isLeased: (address) => leases.own.of(address).length > 0,
      nameOf: (id) => nameOfMember(membership, id),
    }),
    recoverDoor(catalog),
    admission.door,
    checkDoor(mending),
    planDoor(mending.plan),
    scrubDoor(scrubber),
    leasesDoor({ leasing, own: leases.own, keep: mending.keep }),
    garbageDoor({ collector, abandonAdopted }),
    publishedDoor(publisher),
    leaveDoor(orchestrator, () => left.resolve()),
  )
  const close = opened.move()
  return {
    membership,
    left: left.promise,
    door,
    web: { ...common, node: orchestrator, inner: door, names: naming.names, random: systemRandom },
    address: transporter.address,
    [Symbol.asyncDispose]: () => close.disposeAsync(),
  }
}

async function openStore(
  folder: DataFolder,
  config: Config,
  { log, unsafeNoSync, rot }: StartOptions & { rot: RotNews },
): Promise<Store> {
  const onRot = (name: ShardName) => rot.tell(name)
  const disk = await openDiskStore(folder.store, { log, unsafeNoSync, onRot })
  const quota = new QuotaStore(disk, { bytesMax: config.capacity })
  return new FloorStore(quota, {
    freeBytesMin: config.freeFloor,
    freeBytes: () => freeBytesOf(folder.store),
  })
}

/** Loaded when somebody asks: it takes memory, and nodes are rarely ill. */
async function examine(parts: DoctorParts, signal: AbortSignal) {
  return (await import('./doctor.ts')).examineNode(parts, signal)
}

function openOwnLeases(
  folder: DataFolder,
  { ownerQuota }: Config,
  { identity, store, log }: { identity: Identity; store: Store; log: Log },
): Promise<Leases> {
  const hasShards = async () => !(await store.list()[Symbol.asyncIterator]().next()).done
  const owner = identity.id
  return openLeases(folder.leases, { owner, clock: systemClock, log, hasShards, ownerQuota })
}

async function readIdentity(folder: DataFolder, passphrase?: string): Promise<Identity> {
  const key = await readKeyFile(folder.identityKey, passphrase)
  return makeIdentity({
    keyPem: Buffer.from(key).toString('utf8'),
    certificatePem: await readFile(folder.certificate, 'utf8'),
    authorityPem: await readFile(folder.authority, 'utf8'),
  })
}

async function readSecretOf(folder: DataFolder, role: Role, passphrase?: string) {
  return role === 'storage' ? undefined : readKeyFile(folder.readKey, passphrase)
}

/** Only what was given: an option that is not there does not hide the config's. */
function given(options: StartOptions): Partial<Config> {
  const { listen, peers, threads, code, relayBytesPerSecond, without } = options
  const all = { listen, peers, threads, code, relayBytesPerSecond, without }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}
