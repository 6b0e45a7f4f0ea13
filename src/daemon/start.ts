import { readFile } from 'node:fs/promises'
import { systemClock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { formatCode, parseCode } from '../coding/code.ts'
import { readKeysOf } from '../crypto/keys.ts'
import { readKeyFile } from '../crypto/keyfile.ts'
import { blobDoor } from '../gateway/blobs.ts'
import type { Door } from '../gateway/door.ts'
import { Orchestrator } from '../node/orchestrator.ts'
import { openCrew } from '../pipe/crew.ts'
import { Pool, slotsFor } from '../pipe/pool.ts'
import { openDiskStore } from '../store/disk.ts'
import { FloorStore, freeBytesOf } from '../store/floor.ts'
import { QuotaStore } from '../store/quota.ts'
import type { Store } from '../store/store.ts'
import { makeIdentity, type Identity } from '../transport/identity.ts'
import { listenTls } from '../transport/tlsTransporter.ts'
import type { PeerId, Role } from '../transport/transporter.ts'
import { parseListen, readConfig, type Config } from './config.ts'
import type { DataFolder } from './folder.ts'
import { readPeers, rememberPeers } from './peers.ts'

export interface StartOptions {
  readonly log: Log
  readonly passphrase?: string
  /** In place of what the config file says. */
  readonly listen?: string
  readonly peers?: readonly string[]
  readonly threads?: number
  readonly code?: string
  /** For benchmarks alone: what is acknowledged may be lost in a power cut. */
  readonly unsafeNoSync?: boolean
}

/** A running node: its parts, put together. */
export interface RunningNode extends AsyncDisposable {
  readonly orchestrator: Orchestrator
  readonly door: Door
  /** Where members reach it: "host:port". */
  readonly address: string
}

/** What `GET /status` answers. */
export interface NodeStatus {
  readonly id: PeerId
  readonly name: string
  readonly role: Role
  readonly address: string
  readonly code: string
  readonly shards: number
  readonly bytes: number
  readonly free: number
  readonly members: readonly {
    readonly id: PeerId
    readonly name: string
    readonly role: Role
    readonly address: string
    readonly capacity: number
    readonly free: number
  }[]
}

/** Opens the node of a data folder: this is where concrete parts meet. */
export async function startNode(folder: DataFolder, options: StartOptions): Promise<RunningNode> {
  const { log } = options
  const config = { ...(await readConfig(folder)), ...given(options) }
  await using opened = new AsyncDisposableStack()
  const identity = await readIdentity(folder, options.passphrase)
  const store = opened.use(await openStore(folder, config, options))
  const { host, port } = parseListen(config.listen)
  const transporter = opened.use(await listenTls({ identity, host, port, log }))
  const pool = new Pool({ slots: slotsFor(config.threads) })
  const crew = opened.use(openCrew(pool, config.threads))
  const orchestrator = opened.use(
    new Orchestrator(
      { store, transporter, pool, crew, clock: systemClock, log },
      {
        name: config.name,
        role: identity.role,
        capacity: config.capacity,
        keys: await readKeys(folder, identity.role, options.passphrase),
        code: config.code === undefined ? undefined : parseCode(config.code),
        limits: { segmentsAhead: pool.slots },
      },
    ),
  )
  const met = await readPeers(folder)
  orchestrator.members.meet([...config.peers, ...met])
  opened.use(rememberPeers(folder, orchestrator.members, met, log))
  const close = opened.move()
  return {
    orchestrator,
    door: blobDoor(orchestrator, () => statusOf(orchestrator, store)),
    address: transporter.address,
    [Symbol.asyncDispose]: () => close.disposeAsync(),
  }
}

async function openStore(
  folder: DataFolder,
  config: Config,
  { log, unsafeNoSync }: StartOptions,
): Promise<Store> {
  const disk = await openDiskStore(folder.store, { log, unsafeNoSync })
  const quota = new QuotaStore(disk, { bytesMax: config.capacity })
  return new FloorStore(quota, {
    freeBytesMin: config.freeFloor,
    freeBytes: () => freeBytesOf(folder.store),
  })
}

async function readIdentity(folder: DataFolder, passphrase?: string): Promise<Identity> {
  const key = await readKeyFile(folder.identityKey, passphrase)
  return makeIdentity({
    keyPem: Buffer.from(key).toString('utf8'),
    certificatePem: await readFile(folder.certificate, 'utf8'),
    authorityPem: await readFile(folder.authority, 'utf8'),
  })
}

async function readKeys(folder: DataFolder, role: Role, passphrase?: string) {
  if (role === 'storage') return undefined
  return readKeysOf(await readKeyFile(folder.readKey, passphrase))
}

async function statusOf(orchestrator: Orchestrator, store: Store): Promise<NodeStatus> {
  const { shards, bytes, free } = await store.usage()
  const { id, name, role, address } = orchestrator.self()
  const members = orchestrator.members.holders().map(({ member }) => member)
  const code = formatCode(orchestrator.code())
  return { id, name, role, address, code, shards, bytes, free, members }
}

/** Only what was given: an option that is not there does not hide the config's. */
function given({ listen, peers, threads, code }: StartOptions): Partial<Config> {
  const all = { listen, peers, threads, code }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}
