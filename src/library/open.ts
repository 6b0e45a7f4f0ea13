import { access } from 'node:fs/promises'
import { DreyError } from '../base/error.ts'
import { silentLog, type Log } from '../base/log.ts'
import type { Without } from '../daemon/config.ts'
import { DataFolder } from '../daemon/folder.ts'
import type { RunningNode } from '../daemon/start.ts'
import { socketDoor } from '../gateway/client.ts'
import { answers, httpServer, listenLocally } from '../gateway/http.ts'
import { DoorDrey } from './doorDrey.ts'
import type { Drey } from './drey.ts'
import type { Options } from './options.ts'

/** Which node is opened, and how. */
export interface OpenOptions extends Options {
  /** The node's data folder. */
  readonly data: string
  /** Where the folder has no node yet: found a swarm, with this node as its first member. */
  readonly create?: boolean
  /** Where the folder has no node yet: join the swarm of whoever made this token. */
  readonly join?: string
  /** What a new node is called: the machine's name unless told otherwise. */
  readonly name?: string
  /** Bytes that a new node offers to the swarm: the disk's size unless told otherwise; 0 holds nothing. */
  readonly capacity?: number
  /** House, rack or site of a new node. */
  readonly zone?: string
  /** What seals the key files of a new node, and opens those of a sealed one. */
  readonly passphrase?: string
  /** Where it listens for members, `host:port`, in place of what its config says. `none`: it only dials out. */
  readonly listen?: string
  /** Members to connect to, `host:port`, in place of those in its config. Others are learned from them. */
  readonly peers?: readonly string[]
  /**
   * What it does not do: look for members on the local network (`lan`) or in the DHT (`dht`), ask the router for a port
   * (`router`), keep the list of what it stored in the swarm as well (`catalog`).
   */
  readonly without?: readonly Without[]
  /** A code such as `"4+2"`, in place of what the swarm aims at. */
  readonly code?: string
  /** Threads for hashing, sealing and coding, 0 to 16, about 15 MB each: none unless its config says so. */
  readonly threads?: number
  /** Bytes a second that it carries for members who cannot reach each other. Without it, it carries none. */
  readonly relayBytesPerSecond?: number
  /** Whether `drey` commands and {@link connect} reach it through its folder's socket. They do unless told otherwise. */
  readonly socket?: boolean
  /** Where it says what happens: nowhere unless told otherwise. */
  readonly log?: Log
}

const meetMs = 3_000 // As long as a command waits for members that were here lately.

/**
 * Opens the node of a data folder in this process: a member of its swarm that others count on while it is
 * open, as `drey start` runs one. With `create` or `join`, the folder is made first when it has no node.
 *
 * When it has resolved, the node listens, and members that were here lately are connected, or three seconds
 * have passed. Nothing is printed, no signal is handled, and the process ends when it is closed and nothing
 * else is left to do. Its memory is its buffers, about 50 MB at the most; the settings that keep a process so
 * small are the process's own (see `docs/decisions/process-settings.md`).
 *
 * @throws {@link DreyError} `bad-input` when the folder has no node and none is to be made, `busy` when one is
 * running on it already (see {@link connect}), `bad-passphrase`; from `join` also `not-allowed`, `unreachable`
 * @example
 * ```ts
 * import { openNode } from 'drey'
 *
 * await using attic = await openNode({ data: 'attic', create: true, listen: '127.0.0.1:0' })
 * const { token } = await attic.invite({ role: 'reader' })
 *
 * await using barn = await openNode({ data: 'barn', join: token, listen: '127.0.0.1:0' })
 * await attic.whenLive(2)
 * const { address, survives } = await attic.put('acorns')
 * console.log(await barn.get(address).text(), survives)
 * ```
 */
export async function openNode(options: OpenOptions): Promise<Drey> {
  const folder = new DataFolder(options.data)
  const { signal, log = silentLog, socket = true } = options
  signal?.throwIfAborted()
  if (await answers(folder.socket)) {
    throw new DreyError('busy', `a node is running on ${folder.path}: speak to it with connect()`)
  }
  const isNew = await makeIfMissing(folder, options)
  const { startNode } = await import('../daemon/start.ts')
  await using opened = new AsyncDisposableStack()
  const node = opened.use(await startNode(folder, { ...options, log }))
  if (socket) opened.use(await listen(folder, node, log))
  await meet(node, isNew && options.join !== undefined)
  signal?.throwIfAborted()
  const all = opened.move()
  const close = () => all.disposeAsync()
  const drey = new DoorDrey({
    door: node.door,
    isLent: true,
    folderCache: folder.folderCache,
    close,
  })
  void closeWhenLeft(node, drey, log)
  return drey
}

/**
 * Speaks to the node that is running on a data folder, in whatever process: one that `drey start` runs, or that
 * was opened by {@link openNode}. Closing it leaves the node running.
 *
 * @param data the node's data folder
 * @throws {@link DreyError} `unreachable` when none is running on it
 * @example
 * ```ts
 * import { connect } from 'drey'
 *
 * await using node = await connect(data)
 * console.log((await node.status()).name)
 * ```
 */
export async function connect(data: string): Promise<Drey> {
  const { path, socket, folderCache } = new DataFolder(data)
  if (!(await answers(socket))) {
    const how = 'start it with "drey start", or open it in this process with openNode()'
    throw new DreyError('unreachable', `no node is running on ${path}: ${how}`)
  }
  const close = async () => {} // The node runs on.
  return new DoorDrey({ door: socketDoor(socket), isLent: false, folderCache, close })
}

/** Who has left its swarm is of no use to it any more. */
async function closeWhenLeft({ left }: RunningNode, drey: Drey, log: Log): Promise<void> {
  await left
  try {
    await drey[Symbol.asyncDispose]()
  } catch (error) {
    log.error('this node has left, and did not close as it should', { error })
  }
}

/** Whether the folder was made. */
async function makeIfMissing(folder: DataFolder, options: OpenOptions): Promise<boolean> {
  const { create = false, join, signal = new AbortController().signal } = options
  if (create && join !== undefined) {
    throw new DreyError('bad-input', 'a node founds a swarm or joins one: give create or join')
  }
  const isThere = await access(folder.config).then(
    () => true,
    () => false, // Whatever is wrong with it, is said when it is made or read.
  )
  if (isThere || (!create && join === undefined)) return false
  if (join === undefined) {
    const { foundSwarm } = await import('../daemon/init.ts')
    await foundSwarm(folder, newNodeOf(options))
  } else {
    const { joinSwarm } = await import('../daemon/join.ts')
    await joinSwarm(folder, join, { ...newNodeOf(options), signal })
  }
  return true
}

/** Without the peers: those of the swarm are what it is told when it joins. */
function newNodeOf({ name, listen, capacity, zone, passphrase }: OpenOptions) {
  return { name, listen, capacity, zone, passphrase }
}

async function listen(folder: DataFolder, node: RunningNode, log: Log): Promise<AsyncDisposable> {
  const server = httpServer(node.door, log)
  await listenLocally(server, folder.socket)
  return {
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Waits a while for who should be here; whoever has just joined knows nobody yet. */
async function meet({ membership }: RunningNode, hasJoined: boolean): Promise<void> {
  if (hasJoined && membership.others().length === 0) {
    const met = Promise.withResolvers<void>()
    const stop = membership.watch(() => met.resolve())
    const late = setTimeout(() => met.resolve(), meetMs)
    await met.promise
    clearTimeout(late)
    stop()
  }
  await membership.settled(meetMs)
}
