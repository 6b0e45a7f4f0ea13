import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { silentLog } from '../../src/base/log.ts'
import { DataFolder } from '../../src/daemon/folder.ts'
import { openHttp, readHttpToken } from '../../src/daemon/http.ts'
import { foundSwarm } from '../../src/daemon/init.ts'
import { startNode, type RunningNode } from '../../src/daemon/start.ts'
import type { WebParts } from '../../src/web/web.ts'

/** A whole node of its own swarm in this process, whose HTTP door is open. */
export interface WebServer extends AsyncDisposable {
  readonly node: RunningNode
  readonly folder: DataFolder
  /** "127.0.0.1:51234" */
  readonly address: string
  readonly token: string
}

/** Opens one; `altered` may put something between the door and the node. */
export async function openWebServer(
  altered: (web: WebParts) => WebParts = (web) => web,
): Promise<WebServer> {
  await using opened = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'drey-web-'))
  opened.defer(() => rm(home, { recursive: true }))
  const folder = new DataFolder(join(home, 'node'))
  await foundSwarm(folder, { name: 'attic', listen: '127.0.0.1:0' })
  const options = { log: silentLog, without: ['lan', 'dht', 'router'] as const }
  const node = opened.use(await startNode(folder, options))
  const http = await openHttp(altered(node.web), { folder, http: '127.0.0.1:0', log: silentLog })
  const { address } = opened.use(http!)
  const token = await readHttpToken(folder)
  const close = opened.move()
  return { node, folder, address, token, [Symbol.asyncDispose]: () => close.disposeAsync() }
}

export interface WebAsk {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: Uint8Array | string
  /** The rest of the body never comes. */
  readonly isStalled?: boolean
}

export interface WebAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Asks over a connection of its own. `stop` ends an answer that does not end by itself. */
export async function askWeb(
  { address }: Pick<WebServer, 'address'>,
  target: string,
  { method = 'GET', headers = {}, body, isStalled = false }: WebAsk = {},
  stop: (incoming: IncomingMessage) => boolean = () => false,
): Promise<WebAnswer> {
  const [host, port] = address.split(':') as [string, string]
  const outgoing = request({ host, port, path: target, method, headers, agent: false })
  if (isStalled) outgoing.write(body ?? '')
  else outgoing.end(body)
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  const answer = { status: incoming.statusCode!, headers: incoming.headers }
  if (!stop(incoming)) return { ...answer, body: await buffer(incoming) }
  const [first] = (await once(incoming, 'data')) as [Buffer]
  outgoing.destroy()
  return { ...answer, body: first }
}
