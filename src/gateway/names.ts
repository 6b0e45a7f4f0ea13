import { formatAddress, parseAddress, type Address } from '../address/address.ts'
import { asBuffer } from '../base/bytes.ts'
import { DreyError } from '../base/error.ts'
import type { Names, NameVersion, SetName } from '../names/names.ts'
import { jsonReply, keyIn, type DoorReply, type DoorRequest, type PartDoor } from './door.ts'

/** What `GET /name/NAME` answers: what a name means now. */
export interface NameReply extends VersionReply {
  /** As it was set, in Unicode's form NFC. */
  readonly name: string
  /** What it means. */
  readonly address: string
}

/** What a name meant from one time on. */
export interface VersionReply {
  /** From 1 on: how many times it had been set. */
  readonly version: number
  /** `null`: it was removed. */
  readonly address: string | null
  /** What reads it without the swarm's read secret, in base64url; `null` where that is not needed. */
  readonly key: string | null
  /** Milliseconds since 1970. */
  readonly at: number
  /** The id of the member that set it. */
  readonly by: string
  /** What people call that member. */
  readonly byName: string
}

/** What setting and removing a name answers. */
export interface SetNameReply extends VersionReply {
  /** As it was set, in Unicode's form NFC. */
  readonly name: string
  /** Members that have heard it; the others will. */
  readonly told: readonly string[]
  /** Whether this node has a lease on it: a name alone keeps nothing. */
  readonly leased: boolean
}

export interface NamesParts {
  readonly names: Pick<Names, 'get' | 'list' | 'log' | 'set' | 'remove' | 'revert'>
  /** Whether this node has stored or kept it. */
  readonly isLeased: (address: string) => boolean
  /** What people call a member. */
  readonly nameOf: (id: string) => string
}

/**
 * Names over HTTP: `GET /names`; `GET /name/NAME`, with `?log` all that it meant; `PUT /name/NAME?address=` (with
 * the header `drey-key` for what the swarm cannot read), without an address back to what it meant before, or in
 * `?version=`; `DELETE /name/NAME`.
 */
export function namesDoor(parts: NamesParts): PartDoor {
  return (request) => {
    const { path, method, query } = request
    if (path === '/names' && method === 'GET') return list(parts)
    const name = /^\/name\/([^/]+)$/.exec(path)?.[1]
    if (name === undefined) return undefined
    if (method === 'GET') return query.has('log') ? log(name, parts) : get(name, parts)
    if (method === 'PUT') return set(name, request, parts)
    if (method === 'DELETE') return remove(name, parts)
    return undefined
  }
}

async function list({ names, nameOf }: NamesParts): Promise<DoorReply> {
  const all = await names.list()
  return jsonReply({ names: all.map((one) => ({ name: one.name, ...shown(one, nameOf) })) })
}

async function get(text: string, { names, nameOf }: NamesParts): Promise<DoorReply> {
  const version = await names.get(text)
  const { address } = version
  const reply: NameReply = {
    ...shown(version, nameOf),
    ...{ name: version.name, address: formatAddress(address) },
  }
  return jsonReply(reply)
}

async function log(text: string, { names, nameOf }: NamesParts): Promise<DoorReply> {
  const versions = await names.log(text)
  const [{ name }] = versions as [NameVersion]
  return jsonReply({ name, versions: versions.map((version) => shown(version, nameOf)) })
}

async function set(
  text: string,
  { query, headers }: DoorRequest,
  parts: NamesParts,
): Promise<DoorReply> {
  const address = query.get('address')
  const done =
    address === null
      ? await parts.names.revert(text, versionOf(query))
      : await parts.names.set(text, parseAddress(address), keyIn(headers, address))
  return told(done, parts)
}

async function remove(text: string, parts: NamesParts): Promise<DoorReply> {
  return told(await parts.names.remove(text), parts)
}

function told(done: SetName, { nameOf, isLeased }: NamesParts): DoorReply {
  const { name, address } = done
  const reply: SetNameReply = {
    ...{ name, ...shown(done, nameOf) },
    told: done.told.map(nameOf),
    leased: address !== undefined && isLeased(formatAddress(address)),
  }
  return jsonReply(reply)
}

function shown(value: NameVersion, nameOf: NamesParts['nameOf']): VersionReply {
  const { version, address, key, at, by } = value
  return {
    version,
    address: formatted(address),
    key: key === undefined ? null : asBuffer(key).toString('base64url'),
    ...{ at, by, byName: nameOf(by) },
  }
}

function formatted(address: Address | undefined): string | null {
  return address === undefined ? null : formatAddress(address)
}

function versionOf(query: URLSearchParams): number | undefined {
  const text = query.get('version')
  if (text === null) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new DreyError('bad-input', `not a version: "${text}"; drey name log shows them`)
}
