import { writeSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Log } from '../base/log.ts'
import { readConfig, threadsMax, withouts, type Config, type Without } from '../daemon/config.ts'
import { dataFolder, type DataFolder } from '../daemon/folder.ts'
import { openHttp } from '../daemon/http.ts'
import { asJson, asWords, isLogLevel, logTo } from '../daemon/log.ts'
import { LogFile } from '../daemon/logFile.ts'
import { startNode } from '../daemon/start.ts'
import { version } from '../daemon/version.ts'
import { answers, httpServer, listenLocally } from '../gateway/http.ts'
import { DreyError } from '../base/error.ts'
import { note, parseSize, say, type Global } from './output.ts'

export interface StartCommand extends Global {
  readonly listen?: string
  readonly peer?: readonly string[]
  readonly http?: string | false
  readonly threads?: string
  readonly code?: string
  readonly log?: string
  readonly logLevel?: string
  readonly relay?: string | true
  readonly lan: boolean
  readonly dht: boolean
  readonly router: boolean
  readonly catalog: boolean
  readonly unsafeNoSync?: boolean
}

const relayDefault = 4 << 20 // A favour: less than a common line at home carries.

/** `drey start`: runs until it is told to stop, then closes what is open. */
export async function startCommand(options: StartCommand, signal: AbortSignal): Promise<void> {
  const folder = dataFolder(options.data)
  if (await answers(folder.socket)) {
    throw new DreyError('busy', `a node is running on ${folder.path} already`)
  }
  const config = await readConfig(folder)
  using file = openLogFile(folder, options, config)
  const log = openLog(options, config, file)
  if (options.unsafeNoSync)
    log.warn('syncs are off: what is acknowledged may be lost in a power cut')
  await using node = await startNode(folder, {
    log,
    passphrase: process.env.DREY_PASSPHRASE,
    listen: options.listen,
    peers: options.peer,
    threads: options.threads === undefined ? undefined : parseThreads(options.threads),
    code: options.code,
    without: parseWithout(options),
    relayBytesPerSecond: parseRelay(options.relay),
    unsafeNoSync: options.unsafeNoSync,
  })
  const server = httpServer(node.door, log)
  await listenLocally(server, folder.socket)
  const http = options.http === false ? 'none' : options.http
  await using web = await openHttp(node.web, { folder, http, log })
  const { id, name } = node.membership.own
  const reached = node.address ? `reached at ${node.address}` : 'and only dials out'
  say(
    options,
    { id, name, address: node.address, http: web?.address ?? null },
    `${name} is member ${id}, ${reached}` + (web ? `\nHTTP at http://${web.address}` : ''),
  )
  log.info('the node has started', { id, name, address: node.address, version: version() })
  const stopped = Promise.withResolvers<void>()
  if (signal.aborted) stopped.resolve()
  signal.addEventListener('abort', () => stopped.resolve(), { once: true })
  await Promise.race([stopped.promise, node.left])
  log.info('the node is closing')
  note(options, 'closing')
  server.close()
  server.closeAllConnections()
}

/** `--relay`, `--relay 1MiB`: bytes a second. */
function parseRelay(relay: string | true | undefined): number | undefined {
  return relay === undefined ? undefined : relay === true ? relayDefault : parseSize(relay)
}

/** `--no-lan` and the like; without any of them the config says. */
function parseWithout(options: StartCommand): Without[] | undefined {
  const without = withouts.filter((what) => !options[what])
  return without.length > 0 ? without : undefined
}

function openLogFile(
  folder: DataFolder,
  { log }: StartCommand,
  config: Config,
): LogFile | undefined {
  if (log !== undefined) return new LogFile(log)
  return config.log === undefined ? undefined : new LogFile(resolve(folder.path, config.log))
}

/** Lines of JSON in a file and in a pipe; words on a terminal. */
function openLog({ logLevel, quiet }: StartCommand, config: Config, file?: LogFile): Log {
  const least = logLevel ?? config.logLevel ?? 'info'
  if (!isLogLevel(least)) {
    throw new DreyError(
      'bad-input',
      `no such log level: "${least}"; choose debug, info, warn or error`,
    )
  }
  if (file !== undefined) return logTo((line) => file.write(line), asJson, least)
  const isTerminal = process.stderr.isTTY
  const sink = (line: string) => void writeSync(2, line)
  return logTo(sink, isTerminal ? asWords : asJson, quiet ? 'error' : least)
}

function parseThreads(text: string): number {
  if (/^\d+$/.test(text) && Number(text) <= threadsMax) return Number(text)
  throw new DreyError('bad-input', `--threads is "${text}"; write a number from 0 to ${threadsMax}`)
}
