import { formatAddress } from '../address/address.ts'
import { keyHeader } from '../gateway/blobClient.ts'
import type { NameReply, SetNameReply, VersionReply } from '../gateway/names.ts'
import { keepBlob } from './keep.ts'
import { formatTime, plain } from './list.ts'
import { note, say, type Global } from './output.ts'
import { resolveBlob } from '../gateway/reference.ts'
import { formatTable } from './table.ts'
import { ask, openVisit, readReply } from './visit.ts'

export interface SetNameCommand extends Global {
  readonly keep?: boolean
  readonly expires?: string
}

/** `drey name set NAME ADDRESS [--keep]` */
export async function setNameCommand(
  [name, text]: readonly string[],
  options: SetNameCommand,
  signal: AbortSignal,
): Promise<void> {
  await using visit = await openVisit(options)
  const { address: root, key } = await resolveBlob(visit.door, text!, { signal })
  const address = formatAddress(root)
  if (options.keep) await keepBlob(visit.door, { address: root, key }, { ...options, name }, signal)
  const query = new URLSearchParams({ address })
  const path = `/name/${name!}`
  const reply = await ask(visit.door, 'PUT', path, { query, headers: keyHeader({ key }), signal })
  const done = await readReply<SetNameReply>(reply)
  tell(options, done)
  if (!done.leased) {
    note(options, `a name keeps nothing, and this node has not stored it: drey keep ${address}`)
  }
}

/** `drey name rm NAME` */
export async function removeNameCommand(
  name: string,
  options: Global,
  signal: AbortSignal,
): Promise<void> {
  await using visit = await openVisit(options)
  const reply = await ask(visit.door, 'DELETE', `/name/${name}`, { signal })
  tell(options, await readReply<SetNameReply>(reply))
  note(options, 'what it meant is kept as before; drey name revert brings the name back')
}

/** `drey name revert NAME [VERSION]` */
export async function revertNameCommand(
  [name, version]: readonly string[],
  options: Global,
  signal: AbortSignal,
): Promise<void> {
  const query = new URLSearchParams(version === undefined ? {} : { version })
  await using visit = await openVisit(options)
  const reply = await ask(visit.door, 'PUT', `/name/${name!}`, { query, signal })
  tell(options, await readReply<SetNameReply>(reply))
}

/** `drey name list` */
export async function listNamesCommand(options: Global, signal: AbortSignal): Promise<void> {
  await using visit = await openVisit(options)
  const reply = await ask(visit.door, 'GET', '/names', { signal })
  const list = await readReply<{ names: NameReply[] }>(reply)
  const rows = list.names.map((one) => [plain(one.name), ...row(one)])
  const head = ['name', 'version', 'set (UTC)', 'by', 'address']
  say(options, list, rows.length === 0 ? 'no names' : formatTable([head, ...rows]))
}

/** `drey name log NAME` */
export async function logNameCommand(
  name: string,
  options: Global,
  signal: AbortSignal,
): Promise<void> {
  await using visit = await openVisit(options)
  const query = new URLSearchParams({ log: '' })
  const reply = await ask(visit.door, 'GET', `/name/${name}`, { query, signal })
  const log = await readReply<{ name: string; versions: VersionReply[] }>(reply)
  const head = ['version', 'set (UTC)', 'by', 'address']
  say(options, log, formatTable([head, ...log.versions.map(row)]))
}

function row({ version, at, byName, address }: VersionReply): string[] {
  return [String(version), formatTime(at), plain(byName), address ?? 'removed']
}

function tell(options: Global, done: SetNameReply): void {
  const { name, version, address, told } = done
  const what = address === null ? 'is removed' : `is ${address}`
  say(options, done, `${plain(name)} ${what} (version ${version})`)
  const who = told.length > 0 ? told.map(plain).join(', ') : 'no other member is here'
  note(options, `told ${who}; others hear it when they are here`)
}
