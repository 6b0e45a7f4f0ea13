import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { DreyError, isDreyError } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { writePrivately } from '../crypto/keyfile.ts'
import type { Door } from '../gateway/door.ts'
import { listen, type OpenDoor } from '../web/listen.ts'
import type { WebParts } from '../web/web.ts'
import { configDefaults, parseListen, readConfig } from './config.ts'
import type { DataFolder } from './folder.ts'
import { version } from './version.ts'

const tokenBytes = 32

/** The token of a node's HTTP door; it is made when there is none. Throws 'bad-input' for a file that has none. */
export async function readHttpToken(folder: DataFolder): Promise<string> {
  const text = await readFile(folder.httpToken, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) {
    const token = randomBytes(tokenBytes).toString('base64url')
    await writePrivately(folder.httpToken, `${token}\n`)
    return token
  }
  if (/^[\w-]{32,}\n?$/.test(text)) return text.trim()
  const how = 'delete it, and the node makes another when it starts'
  throw new DreyError('bad-input', `${folder.httpToken} has no token in it: ${how}`)
}

export interface HttpOptions {
  readonly folder: DataFolder
  /** In place of what the config says: "host:port", or "none". */
  readonly http?: string
  readonly log: Log
}

/**
 * Opens a node's HTTP door, where the config or `http` says. `undefined` when that is nowhere, or when neither
 * says and another program listens at the usual place: the log tells of it.
 */
export async function openHttp(
  web: WebParts,
  { folder, http, log }: HttpOptions,
): Promise<OpenDoor | undefined> {
  const config = await readConfig(folder)
  const wanted = http ?? config.http
  const { host, port } = parseListen(wanted ?? configDefaults.http)
  if (port === undefined) return undefined
  const token = await readHttpToken(folder)
  // Loaded for the first who asks: a node that nobody asks over HTTP does not pay for it.
  let loading: Promise<Door> | undefined
  const load = async (address: string) => {
    const { webDoor } = await import('../web/web.ts')
    return webDoor(web, { token, address, hosts: config.httpHosts ?? [], version: version() })
  }
  try {
    const opened: OpenDoor = await listen(
      async (request) => (await (loading ??= load(opened.address)))(request),
      { host, port, log },
    )
    return opened
  } catch (error) {
    if (wanted !== undefined || !isDreyError(error, 'busy')) throw error
    log.info(error.message)
    return undefined
  }
}
