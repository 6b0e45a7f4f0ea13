import { formatAddress, parseAddress } from '../address/address.ts'
import { asBuffer, collect, type Bytes } from '../base/bytes.ts'
import { systemClock, type Clock } from '../base/clock.ts'
import { DreyError } from '../base/error.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { attributes, listingOf } from '../folder/fixture.ts'
import type { Content } from '../folder/entry.ts'
import { blobDoor } from '../gateway/blobs.ts'
import { doorOf, type Door } from '../gateway/door.ts'
import { percentDecoded } from '../gateway/http.ts'
import type { Names } from '../names/names.ts'
import { neighbourhood, torn, type Neighbour } from '../node/neighbourhood.ts'
import { webDoor, type WebParts } from './web.ts'

export const token = 'a-token-of-a-test-a-token-of-a-test'

/** What a test asks. */
export interface Ask {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: Bytes
  readonly signal?: AbortSignal
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** A node over memory with its HTTP door. */
export interface House extends AsyncDisposable {
  readonly neighbour: Neighbour
  readonly door: Door
  /** What names mean. */
  readonly named: Map<string, string>
  readonly put: (bytes: Uint8Array) => Promise<{ address: string; key: string }>
  /** Stores a folder of these; a folder is written as another object. */
  readonly putFolder: (tree: Tree) => Promise<{ address: string; key: string }>
  /** Asks with the token, unless headers say otherwise. */
  readonly ask: (target: string, ask?: Ask) => Promise<Answer>
}

export type Tree = { readonly [name: string]: Uint8Array | Tree }

/** Opens one. */
export async function openHouse(
  more: Partial<WebParts> & { clock?: Clock; hosts?: readonly string[] } = {},
): Promise<House> {
  const town = await neighbourhood({ peers: 1 })
  const [neighbour] = town.peers as [Neighbour]
  const { node } = neighbour
  const named = new Map<string, string>()
  const common = { clock: systemClock, random: seededRandom(1), log: silentLog }
  const names = { get: (name: string) => meant(named, name) }
  const inner = more.inner ?? doorOf(blobDoor(node))
  const parts: WebParts = { node, names, inner, ...common, ...more }
  const door = webDoor(parts, {
    token,
    address: '127.0.0.1:7480',
    hosts: more.hosts ?? [],
    version: '0',
  })
  const put = async (bytes: Uint8Array) => {
    const { address, key } = await node.put(torn(bytes))
    return { address: formatAddress(address), key: asBuffer(key).toString('base64url') }
  }
  const putFolder = async (tree: Tree): Promise<{ address: string; key: string }> => {
    const entries = await Promise.all(
      Object.entries(tree).map(async ([name, value]) => ({
        ...{ name: percentDecoded(name), ...attributes },
        ...(await content(value)),
      })),
    )
    return put(listingOf(entries))
  }
  const content = async (value: Uint8Array | Tree): Promise<Content> => {
    const isFile = value instanceof Uint8Array
    const stored = isFile ? await put(value) : await putFolder(value)
    const key = new Uint8Array(Buffer.from(stored.key, 'base64url'))
    const link = { address: parseAddress(stored.address), key }
    if (isFile) return { type: 'file', link, size: value.length }
    return { type: 'folder', link, size: 0, count: Object.keys(value).length }
  }
  return {
    ...{ neighbour, door, named, put, putFolder },
    ask: (target, rest = {}) => asked(door, target, rest),
    [Symbol.asyncDispose]: () => town[Symbol.asyncDispose](),
  }
}

/** As the adapter hands it on. */
async function asked(door: Door, target: string, ask: Ask): Promise<Answer> {
  const { method = 'GET', body = nothing(), signal = new AbortController().signal } = ask
  const url = new URL(target, 'http://localhost')
  const trusted = { authorization: `Bearer ${token}` }
  const { status, headers, ...reply } = await door({
    ...{ method, body, signal, query: url.searchParams, rawPath: url.pathname },
    path: percentDecoded(url.pathname).toString(),
    headers: { host: 'localhost:7480', ...trusted, ...ask.headers },
  })
  return { status, headers, body: Buffer.from(await collect(reply.body)) }
}

async function meant(named: Map<string, string>, name: string): ReturnType<Names['get']> {
  const address = named.get(name)
  if (address === undefined) throw new DreyError('not-found', `the name "${name}" is not set`)
  return { name, address: parseAddress(address), version: 1, at: 0, by: 'n0' }
}

async function* nothing(): Bytes {}
