import { readFile } from 'node:fs/promises'
import { DreyError, messageOf } from '../base/error.ts'
import { parseCode } from '../coding/code.ts'
import { writePrivately } from '../crypto/keyfile.ts'
import { parseEndpoint } from '../transport/endpoint.ts'
import type { DataFolder } from './folder.ts'
import { isLogLevel, type LogLevel } from './log.ts'

/** What people may change about a node. Sizes are bytes. */
export interface Config {
  readonly version: 1
  /** What people call this machine. */
  readonly name: string
  /** Where it listens for members: "host:port", or "none". */
  readonly listen: string
  /** Members to connect to: "host:port". Others are learned from them. */
  readonly peers: readonly string[]
  /** Where programs and browsers ask over HTTP: "host:port", or "none". */
  readonly http?: string
  /** Names besides "localhost" by which they come there: "attic.lan". */
  readonly httpHosts?: readonly string[]
  /** House, rack or site: shards of a block are spread over zones. */
  readonly zone?: string
  /** Where members reach it, "host:port", when that is not where it listens: behind a router, say. */
  readonly publicAddress?: string
  /** Bytes a second that it carries for members who cannot reach each other. Absent: it does not. */
  readonly relayBytesPerSecond?: number
  /** How often it says that it is here, and after how long of silence another is away. Milliseconds. */
  readonly heartbeatMs?: number
  readonly awayMs?: number
  /** Who has been silent for so long is gone for good: the swarm codes for those who are left. */
  readonly goneMs?: number
  /** Bytes a second that mending may fetch and send; an eighth of it while people read and write. */
  readonly repairBytesPerSecond?: number
  /** How long what nobody wants is kept on. */
  readonly graceMs?: number
  /** Bytes that it keeps for one member. Absent: as many as there is room for. */
  readonly ownerQuota?: number
  /** How long it takes to read everything once, to find what has rotted. */
  readonly scrubDays?: number
  /** What it does not do: look for members on the local network, in the DHT, ask the router for a port, keep its list in the swarm. */
  readonly without?: readonly Without[]
  /** Bytes offered to the swarm. Zero: it holds nothing. */
  readonly capacity: number
  /** Bytes of the disk that shards never take. */
  readonly freeFloor: number
  /** A code such as "4+2" instead of the swarm's policy. */
  readonly code?: string
  /** A file that the log goes to, in the data folder unless its path is whole. Absent: standard error. */
  readonly log?: string
  /** What is logged: this, and what matters more. */
  readonly logLevel?: LogLevel
  /** Threads for hashing, sealing and coding, 15 MB each; with none, the main thread does it. */
  readonly threads: number
}

/** What a node can do without: the local network, the DHT, the router's port, its catalog in the swarm. */
export type Without = 'lan' | 'dht' | 'router' | 'catalog'
export const withouts: readonly Without[] = ['lan', 'dht', 'router', 'catalog']

export const configDefaults = {
  listen: '0.0.0.0:7117',
  http: '127.0.0.1:7480', // For this machine; whoever comes from elsewhere comes through what speaks TLS.
  freeFloor: 1 << 30, // A full disk stops more than Drey.
  repairBytesPerSecond: 32 * 2 ** 20, // A third of what a gigabit line carries.
  graceMs: 24 * 3_600_000, // What was removed by mistake can be kept again until the next day.
  scrubDays: 30, // A terabyte at 0.4 MB/s: little for any disk, and soon enough before a second one rots.
  threads: 0, // A thread doubles a put's speed on an idle machine, and takes 15 MB of private memory.
} as const

export const threadsMax = 16
const scrubDaysMax = 3_650 // Ten years is as good as never; timers end at some more.

export async function writeConfig(folder: DataFolder, config: Config): Promise<void> {
  await writePrivately(folder.config, `${JSON.stringify(config, null, 2)}\n`)
}

/** Reads and checks it. Throws 'bad-input' with the name of the field that is wrong. */
export async function readConfig(folder: DataFolder): Promise<Config> {
  const refuse = (why: string, cause?: unknown) =>
    new DreyError('bad-input', `${folder.config}: ${why}`, { cause })
  const named = (field: string, parse: () => unknown) => {
    try {
      parse()
    } catch (cause) {
      throw refuse(`"${field}" is ${messageOf(cause)}`, cause)
    }
  }
  let text: string
  try {
    text = await readFile(folder.config, 'utf8')
  } catch (cause) {
    const how = 'found a swarm with "drey init", or join one with "drey join TOKEN"'
    throw new DreyError('bad-input', `there is no node in ${folder.path}: ${how}`, { cause })
  }
  let config: Partial<Config> | null
  try {
    config = JSON.parse(text) as Partial<Config> | null
  } catch (cause) {
    throw refuse(`it is not JSON: ${messageOf(cause)}`, cause)
  }
  if (config === null || typeof config !== 'object') throw refuse('it is not a JSON object')
  const { version, name, listen, peers, capacity, freeFloor, code, threads } = config
  const { zone, publicAddress, heartbeatMs, awayMs, goneMs, without = [] } = config
  const { http, httpHosts = [], log, logLevel } = config
  const { relayBytesPerSecond, repairBytesPerSecond, graceMs, ownerQuota } = config
  const times = { heartbeatMs, awayMs, goneMs, graceMs }
  const aboveZero = { relayBytesPerSecond, repairBytesPerSecond, ownerQuota, ...times }
  const { scrubDays = configDefaults.scrubDays } = config
  if (version !== 1) throw refuse(`"version" is ${String(version)}; this Drey reads 1`)
  if (typeof name !== 'string' || name === '') throw refuse('"name" is missing')
  if (typeof listen !== 'string') throw refuse('"listen" is missing; write "0.0.0.0:7117"')
  named('listen', () => parseListen(listen))
  if (http !== undefined) named('http', () => parseListen(http))
  if (!Array.isArray(httpHosts) || httpHosts.some((host) => typeof host !== 'string')) {
    throw refuse('"httpHosts" is not a list of host names')
  }
  if (!Array.isArray(peers) || peers.some((peer) => typeof peer !== 'string')) {
    throw refuse('"peers" is not a list of "host:port"')
  }
  for (const [field, value] of Object.entries({ capacity, freeFloor })) {
    if (!Number.isSafeInteger(value) || value! < 0)
      throw refuse(`"${field}" is not a number of bytes`)
  }
  if (!Number.isInteger(threads) || threads! < 0 || threads! > threadsMax) {
    throw refuse(`"threads" is not a number from 0 to ${threadsMax}`)
  }
  if (zone !== undefined && (typeof zone !== 'string' || zone.length > 64)) {
    throw refuse('"zone" is not a short text')
  }
  if (publicAddress !== undefined) named('publicAddress', () => parseEndpoint(publicAddress))
  for (const [field, value] of Object.entries(aboveZero)) {
    if (value !== undefined && !(Number.isFinite(value) && value >= 1)) {
      throw refuse(`"${field}" is not a number above zero`)
    }
  }
  if (!(Number.isFinite(scrubDays) && scrubDays > 0 && scrubDays <= scrubDaysMax)) {
    throw refuse(`"scrubDays" is not a number above zero, at most ${scrubDaysMax}`)
  }
  if (
    !Array.isArray(without) ||
    !without.every((one: unknown) => (withouts as readonly unknown[]).includes(one))
  ) {
    throw refuse(`"without" is not a list of ${withouts.join(', ')}`)
  }
  if (code !== undefined) named('code', () => parseCode(code))
  if (log !== undefined && (typeof log !== 'string' || log === ''))
    throw refuse('"log" is not the name of a file')
  if (logLevel !== undefined && !isLogLevel(logLevel))
    throw refuse('"logLevel" is not debug, info, warn or error')
  return config as Config
}

/** "host:port", "[::1]:7117", ":7117" for every interface, or "none": this node only dials out. */
export function parseListen(text: string): { host: string; port: number | undefined } {
  if (text.trim() === 'none') return { host: '', port: undefined }
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text.trim())
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw new DreyError(
      'bad-input',
      `not an address to listen at: "${text}"; write host:port, or none`,
    )
  }
  return { host: match[1] ?? (match[2] || '0.0.0.0'), port }
}
